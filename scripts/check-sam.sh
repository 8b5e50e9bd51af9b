#!/usr/bin/env bash
# Lints template.yaml with cfn-lint and sam, and builds the functions with sam.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(scripts/cfn-tools.sh)
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
for region in us-east-1 cn-north-1; do
  "$bin/cfn-lint" --regions "$region" -- template.yaml
done
"$bin/sam" validate --lint
# Not into .aws-sam, which is the developer's.
"$bin/sam" build --build-dir .cache/sam-build >/dev/null 2>.cache/sam-build.log || { cat .cache/sam-build.log; exit 1; }
for function in functions/*/main.go; do
  test -x ".cache/sam-build/$(basename "$(dirname "$function")")/bootstrap"
done
echo "template.yaml is clean, and sam builds every function"
