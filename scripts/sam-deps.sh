#!/usr/bin/env bash
# Runs the services that the functions need under `sam local`: a DynamoDB engine with the
# table (in memory), a simulated WeChat and a bus. They run until Ctrl-C. Settings:
# ENGINE_PORT, SIMULATOR_PORT, BIND.
set -euo pipefail
cd "$(dirname "$0")/.."

ENGINE_PORT=${ENGINE_PORT:-8000}
SIMULATOR_PORT=${SIMULATOR_PORT:-9911}
# Containers reach this machine as host.docker.internal. That is loopback for Docker
# Desktop, and the address of the bridge for Docker on Linux.
BIND=${BIND:-$(ip -4 -o addr show docker0 2>/dev/null | sed -nE 's/.* inet ([0-9.]+).*/\1/p' || true)}
BIND=${BIND:-127.0.0.1}

[ -e env.json ] || { cp env.json.example env.json; echo "env.json was copied from env.json.example; you can change it"; }
for port in "$ENGINE_PORT" "$SIMULATOR_PORT"; do
  grep -q "host.docker.internal:$port\b" env.json || echo "warning: env.json does not contain port $port"
done

engine=
for candidate in node_modules/@dynoxide/*/dynoxide; do
  [ -x "$candidate" ] && engine=$candidate
done
[ -n "$engine" ] || { echo "no DynamoDB engine in node_modules for this platform: docs/store.md lists others" >&2; exit 1; }

"$engine" serve --host "$BIND" --port "$ENGINE_PORT" >/dev/null &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/$BIND/$ENGINE_PORT") 2>/dev/null && break
  kill -0 $pid 2>/dev/null || { echo "the DynamoDB engine did not start: is port $ENGINE_PORT taken? (ENGINE_PORT=...)" >&2; exit 1; }
  sleep 0.1
done

arch=$(uname -m | sed "s/aarch64/arm64/")
cat <<END
DynamoDB at http://$BIND:$ENGINE_PORT

In another terminal (sam and Docker needed):

  make sam-build ARCH=$arch
  samlocal() { sam local "\$@" --env-vars env.json --add-host host.docker.internal:host-gateway --parameter-overrides Architecture=$arch; }
  samlocal invoke refresher -e events/refresher.json      # first: it fetches token and ticket
  samlocal invoke signature -e events/signature.json
  samlocal invoke oauth     -e events/oauth.json
  samlocal invoke verify    -e events/verify.json         # 403: the push is older than 10 minutes
  samlocal start-api                                      # all routes at http://127.0.0.1:3000
  WECHAT_APP_ID=wx520c15f417810387 WECHAT_TOKEN=t0kenOfTheRecordedEvents \\
    WECHAT_ENCODING_AES_KEY=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG \\
    build/wechatfn trigger text --url http://127.0.0.1:3000/verify  # a fresh push

END
build/wechatfn simulate --addr "$BIND:$SIMULATOR_PORT" --engine "http://$BIND:$ENGINE_PORT"
