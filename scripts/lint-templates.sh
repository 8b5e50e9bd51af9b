#!/usr/bin/env bash
# Lints the synthesized templates: the snapshots of infra/stack, which its tests hold
# against what is synthesized, and whatever `cdk synth` has left in .cache/cdk.out.
#
# W3005: CDK's function depends on its role twice over, which does no harm.
set -euo pipefail
cd "$(dirname "$0")/.."
lint="$(scripts/cfn-tools.sh)/cfn-lint"

shopt -s nullglob
snapshots=(infra/stack/testdata/*.template.json)
china=(infra/stack/testdata/china*.template.json)
[ ${#snapshots[@]} -ge 6 ] && [ ${#china[@]} -ge 2 ] || { echo "the snapshots in infra/stack/testdata are missing"; exit 1; }
"$lint" --ignore-checks W3005 --regions us-east-1 ap-east-1 -- "${snapshots[@]}" .cache/cdk.out/*.template.json
"$lint" --ignore-checks W3005 --regions cn-north-1 cn-northwest-1 -- "${china[@]}"
echo "${#snapshots[@]} templates are well"
