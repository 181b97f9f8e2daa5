#!/usr/bin/env bash
# Style and types. All of it runs, also after a finding, so that one run tells everything.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
root=$PWD
failed=()

check() {
    local name=$1
    shift
    echo "-- $name"
    "$@" || failed+=("$name")
}

types() {
    # Plugins under the name that they have in a collection, so that what they import from each other is found.
    # With a cache of its own: a run by hand that finds less of them spoils the usual one.
    local -x MYPYPATH=collections MYPY_CACHE_DIR=.cache/mypy
    mypy -p ansible_collections.quorate.kubernetes.plugins -p lab -p tests
    local code=$?
    find molecule extensions -name '*.py' -exec mypy conftest.py {} + && return $code
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
