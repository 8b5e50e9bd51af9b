#!/usr/bin/env bash
# Fuzzes every target in the module with so many inputs each. A count, never a duration: a
# duration sometimes fails with "context deadline exceeded" at its end (go.dev/issue/75804).
set -eu
for file in $(grep -rlE '^func Fuzz' --include='*_test.go' shared dev); do
  for target in $(grep -oE '^func Fuzz[A-Za-z0-9]+' "$file" | cut -c6-); do
    echo "== $target in $(dirname "$file")"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1x" -fuzzminimizetime 100x "./$(dirname "$file")"
  done
done
