#!/usr/bin/env bash
# Runs govulncheck. Where its database cannot be reached (a closed network) it
# says so, and goes on unless VULNDB=required.
set -u
output=$(go run "$1" ./... 2>&1)
status=$?
if [ $status -ne 0 ] && grep -q 'fetching vulnerabilities' <<<"$output" && ! grep -q '^Vulnerability #' <<<"$output"; then
  echo "govulncheck: NOT CHECKED, the vulnerability database cannot be reached from here"
  [ "${VULNDB:-}" != required ]
  exit
fi
echo "$output"
exit $status
