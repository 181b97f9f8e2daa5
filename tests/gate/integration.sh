#!/usr/bin/env bash
# Modules and their helpers against real programs: tests/integration with pytest, and its targets, if any, with ansible-test.
set -euo pipefail

cd "$(dirname "$0")/../.."
# More workers than cores: they wait for much. What takes long is named at the end.
pytest tests/integration --numprocesses 4 --durations 12 --durations-min 5 "$@"
if compgen -G 'tests/integration/targets/*' >/dev/null; then
    tests/gate/ansible_test.sh integration --venv
fi
