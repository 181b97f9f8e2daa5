#!/bin/sh
# Make or renew the virtual environment FOLDER from the pinned requirements FILE; do nothing when it is as pinned.
# usage: venv.sh FOLDER FILE
set -eu

folder=$1
requirements=$2
here=$(dirname "$0")
python=$("$here/python.sh")
stamp="$folder/.installed"
want=$( { "$python" -VV; cat "$requirements"; } | sha256sum)

if [ -x "$folder/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    exit 0
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian ships both apart from Python itself.
    echo "Installing python3-venv, which $python needs to make a virtual environment."
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv' >/dev/null
fi

echo "Installing $(grep -c == "$requirements") pinned packages into $folder ..."
# An environment of another interpreter cannot be renewed in place.
if ! [ -x "$folder/bin/python" ] || [ "$(readlink -f "$folder/bin/python")" != "$python" ]; then
    "$python" -m venv --clear "$folder"
fi
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
echo "$want" >"$stamp"
