#!/usr/bin/env bash
# Run ansible-test with the arguments given, on a copy of the collection.
# usage: ansible_test.sh sanity|units|integration [argument ...]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# ansible-test makes environments without pip and fetches a bootstrap script for each from a server of Ansible's own.
# Python brings the same with it, so that package registries are enough.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
for version in 24.2 25.2; do
    script=$cache/get_pip_${version/./_}.py
    [ -e "$script" ] || sed "s/@VERSION@/$version/" "$here/get_pip.py.in" >"$script"
done

# A shim (pyenv) is on PATH under the name of each Python although only one of them may be there: real ones only.
PATH=$(tr : '\n' <<<"$PATH" | grep -v '/shims/*$' | paste -sd :)
tree=$("$here/tree.sh")
cd "$tree"
exec ansible-test "$@"
