#!/usr/bin/env bash
# Fuzzes every target in the module for the given time each.
set -eu
for file in $(grep -rlE '^func Fuzz' --include='*_test.go' shared); do
  for target in $(grep -oE '^func Fuzz[A-Za-z0-9]+' "$file" | cut -c6-); do
    echo "== $target in $(dirname "$file")"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$(dirname "$file")"
  done
done
