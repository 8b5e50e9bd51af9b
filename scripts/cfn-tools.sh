#!/usr/bin/env bash
# Prints the folder that holds `sam` and `cfn-lint`, of the versions below. They
# are installed into .cache when they are missing, which takes less than a minute
# and 350 MB, and needs Python 3.10 or newer with pip. For example:
#
#   "$(scripts/cfn-tools.sh)/cfn-lint" template.yaml
set -euo pipefail
SAM=1.170.0
CFN_LINT=1.58.0

cd "$(dirname "$0")/.."
venv=$PWD/.cache/cfn-tools-$SAM-$CFN_LINT
if [ ! -e "$venv/complete" ]; then
  {
    command -v python3 >/dev/null || { echo "python3 was not found; sam and cfn-lint need Python 3.10 or newer"; exit 1; }
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "aws-sam-cli==$SAM" "cfn-lint==$CFN_LINT"
    touch "$venv/complete"
  } >&2
fi
echo "$venv/bin"
