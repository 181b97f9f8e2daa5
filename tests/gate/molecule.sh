#!/usr/bin/env bash
# Test scenarios of Molecule one after another; the first that fails ends it, and leaves its hosts for a look.
# usage: molecule.sh SCENARIO ...
set -euo pipefail

cd "$(dirname "$0")/../.."
# Without it Molecule looks in extensions/ for scenarios, and tells about it.
export MOLECULE_GLOB="molecule/*/molecule.yml"
# It draws frames round the output of programs, and wraps messages in the middle to make them fit.
export MOLECULE_COMMAND_BORDERS=false
for scenario in "$@"; do
    # Forget hosts that a failure left, so that they are made anew.
    molecule reset --scenario-name "$scenario" >/dev/null
    if ! molecule test --destroy=never --scenario-name "$scenario"; then
        echo "The hosts of scenario $scenario are left as they are. 'make destroy' removes them." >&2
        exit 1
    fi
    molecule destroy --scenario-name "$scenario"
done
