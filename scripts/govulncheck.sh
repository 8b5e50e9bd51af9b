#!/usr/bin/env bash
# Runs govulncheck. Where its database cannot be reached (a closed network) it
# says so and goes on, unless VULNDB=required.
set -u
output=$(go run "$1" ./... 2>&1)
status=$?
if [ $status -ne 0 ] && [ "${VULNDB:-}" != required ] &&
  grep -qE 'fetching vulnerabilities|(dial tcp|lookup) .*|no such host|connection refused|i/o timeout' <<<"$output"; then
  echo "govulncheck: NOT CHECKED, the vulnerability database cannot be reached from here"
  exit 0
fi
echo "$output"
exit $status
