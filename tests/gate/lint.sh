#!/usr/bin/env bash
# Style and types. All of it runs, also after a finding, so that one run tells everything.
set -uo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
failed=()

check() {
    local name=$1
    shift
    echo "-- $name"
    "$@" || failed+=("$name")
}

types() {
    # Under its name as a collection, so that what the modules import is found and checked as well.
    (cd collections && mypy --config-file "$root/pyproject.toml" --cache-dir "$root/.mypy_cache" \
        -p ansible_collections.quorate.kubernetes.plugins -p ansible_collections.quorate.kubernetes.tests.unit) &&
        mypy lab
}

documentation() {
    if ! find plugins/modules -name '*.py' | grep -q .; then return; fi
    ANSIBLE_COLLECTIONS_PATH=$root/collections antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck \
        --validate-collection-refs self .
}

check ruff ruff check .
check "ruff format" ruff format --check .
check mypy types
check yamllint yamllint --strict .
check ansible-lint ansible-lint -q
check antsibull-changelog antsibull-changelog lint
check antsibull-docs documentation

if [ ${#failed[@]} -gt 0 ]; then
    printf 'Lint failed: %s\n' "${failed[*]}" >&2
    exit 1
fi
