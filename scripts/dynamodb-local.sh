#!/usr/bin/env bash
# Runs a command against AWS's DynamoDB Local:
#
#   scripts/dynamodb-local.sh go test ./shared/store/dynamo/...
#
# It is fetched with Maven once, into .cache/, and started in memory on a free port
# (DynamoDB Local listens on every interface; it has no switch for that, and it holds
# nothing but test items). The command finds its loopback URL in
# WECHATFN_DYNAMODB_ENDPOINT; with the end of the command the engine ends too.
# Needs Java 17 or later, and Maven the first time.
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 command [argument...]" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pom=$here/dynamodb-local.pom.xml
# The folder is named after the pom's content: a changed pin is fetched anew.
deps=$here/../.cache/dynamodb-local/$(cksum <"$pom" | cut -d' ' -f1)

# fetch copies into a folder of its own first, so that an interrupted download is not taken for one.
fetch() {
  mkdir -p "$(dirname "$deps")"
  local partial
  partial=$(mktemp -d "$deps.XXXXXX")
  mvn --batch-mode --quiet --file "$pom" dependency:copy-dependencies "-DoutputDirectory=$partial"
  if [ -d "$deps" ]; then # another run was first
    rm -rf "$partial"
  else
    mv "$partial" "$deps"
  fi
}

[ -d "$deps" ] || fetch

log=$(mktemp)
stop() {
  if [ -n "${engine:-}" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start fails where something else has the port, or takes it in the meantime.
start() {
  local port tries=300
  port=$((20000 + RANDOM % 20000))
  if answers "$port"; then return 1; fi
  java "-Djava.library.path=$deps" -cp "$deps/*" software.amazon.dynamodb.services.local.main.ServerRunner \
    -inMemory -sharedDb -disableTelemetry -port "$port" >"$log" 2>&1 &
  engine=$!
  while ((tries-- > 0)) && kill -0 "$engine" 2>/dev/null; do
    if answers "$port"; then
      export WECHATFN_DYNAMODB_ENDPOINT=http://127.0.0.1:$port
      return 0
    fi
    sleep 0.1
  done
  kill "$engine" 2>/dev/null || true
  return 1
}

start || start || start || {
  cat "$log" >&2
  echo "$0: DynamoDB Local did not start" >&2
  exit 1
}
"$@"
