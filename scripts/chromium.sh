#!/usr/bin/env bash
# Prints the path of a Chromium, and installs Debian's where there is none.
set -eu
find_one() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! find_one && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >&2
  find_one
fi || { echo "no Chromium was found; install one, or set CHROMIUM to its path" >&2; exit 1; }
