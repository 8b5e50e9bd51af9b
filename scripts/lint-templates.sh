#!/usr/bin/env bash
# Lints the synthesized templates: those of every stage that the tests of infra/stack
# know, which they write into .cache/templates, and whatever `cdk synth` has left in
# .cache/cdk.out.
#
# W3005: CDK's function depends on its role twice over, which does no harm.
set -euo pipefail
cd "$(dirname "$0")/.."
lint="$(scripts/cfn-tools.sh)/cfn-lint"

rm -rf .cache/templates
mkdir -p .cache/templates
go test -count=1 -run '^(TestSnapshots|TestTemplatesAreWritten)$' ./infra/stack -args -templates "$PWD/.cache/templates"

shopt -s nullglob
templates=(.cache/templates/*.template.json)
china=(.cache/templates/china*.template.json)
[ ${#templates[@]} -ge 6 ] && [ ${#china[@]} -ge 2 ] || { echo "the tests of infra/stack wrote only ${#templates[@]} templates, ${#china[@]} of them of China"; exit 1; }
"$lint" --ignore-checks W3005 --regions us-east-1 ap-east-1 -- "${templates[@]}" .cache/cdk.out/*.template.json
"$lint" --ignore-checks W3005 --regions cn-north-1 cn-northwest-1 -- "${china[@]}"
echo "cfn-lint has no complaint about ${#templates[@]} templates"
