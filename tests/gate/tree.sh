#!/usr/bin/env bash
# Copy what git knows of, or would, to a real ansible_collections/quorate/kubernetes folder, and print that folder.
# ansible-test takes a collection only there, and a link is not enough for it.
set -euo pipefail

cd "$(dirname "$0")/../.."
tree=$PWD/.cache/tree/ansible_collections/quorate/kubernetes
rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' path; do [ -e "$path" ] || [ -L "$path" ] && printf '%s\0' "$path"; done |
    tar --create --null --files-from=- | tar --extract --directory="$tree"
# A repository of its own, or ansible-test asks the one around it, which ignores this folder, and finds nothing to test.
git -C "$tree" init --quiet
git -C "$tree" add --all
echo "$tree"
