#!/usr/bin/env bash
# Check dist/*.tar.gz as Galaxy and Automation Hub do at import. The importer pins old versions, so it has an environment of its own.
set -euo pipefail

cd "$(dirname "$0")/../.."
venv=$PWD/.cache/importer
tests/gate/venv.sh "$venv" tests/gate/requirements-importer.txt
export PATH=$venv/bin:$PATH
export GALAXY_IMPORTER_CONFIG=$PWD/tests/gate/importer.cfg
artifact=$(ls "$PWD"/dist/*.tar.gz)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# It exits with 0 after many of its findings, so its words decide.
python -m galaxy_importer.main "$artifact" 2>&1 | tee log
if grep -Eq '^(ERROR|WARNING)' log || ! grep -q 'Importer processing completed successfully' log; then
    echo "The importer has findings: see the lines above." >&2
    exit 1
fi
