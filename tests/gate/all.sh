#!/usr/bin/env bash
# The whole gate, quickest first. It stops at the first step that fails, and ends with the sum of all runs of pytest.
# usage: all.sh SCENARIO ...
set -euo pipefail

cd "$(dirname "$0")/../.."
mkdir -p .cache
export QUORATE_TEST_RESULTS=$PWD/.cache/test_results
: >"$QUORATE_TEST_RESULTS"
times=()

step() {
    local name=$1 started=$SECONDS
    shift
    printf '\n=== %s: %s\n' "$(date +%H:%M:%S)" "$name"
    if ! "$@"; then
        printf '\n%s failed after %d s. To run it alone: %s\n' "$name" $((SECONDS - started)) "$*" >&2
        python -m tests.gate.sum_up "$QUORATE_TEST_RESULTS"
        exit 1
    fi
    times+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

# What the lab lacks is built meanwhile, at low priority: the first steps mostly keep one core busy. As a job, so that it ends with this script.
step setup make setup
set -m
nice make tested-binaries host-image >.cache/binaries.log 2>&1 &
builder=$!
set +m
trap 'kill -- "-$builder" 2>/dev/null || true' EXIT

# Lets the builder tell what it does while something waits for it.
watching() {
    tail --follow --lines=3 --pid="$builder" .cache/binaries.log &
    local watcher=$!
    "$@"
    kill "$watcher" 2>/dev/null || true
}

step unit make unit
step lint make lint
step sanity make sanity
step importer make importer
watching step "binaries for integration" make integrated-binaries
# Its tests wait for much, so the rest is built beside them.
step integration make integration
watching step "binaries and host image" make tested-binaries host-image
for scenario in "$@"; do
    step "molecule $scenario" make molecule SCENARIO="$scenario"
done

printf '\n'
printf '%s\n' "${times[@]}"
python -m tests.gate.sum_up "$QUORATE_TEST_RESULTS"
