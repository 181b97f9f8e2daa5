#!/usr/bin/env bash
# Run ansible-rulebook, with what it needs beside the gate's own environment: pinned packages, and Java.
# usage: eda.sh ARGUMENT ...
set -euo pipefail

cd "$(dirname "$0")/../.."
tests/gate/venv.sh "$PWD/.cache/eda" tests/gate/requirements-eda.txt
if ! command -v java >/dev/null; then
    echo "Installing default-jre-headless, which ansible-rulebook needs."
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends default-jre-headless' >/dev/null
fi
JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
export JAVA_HOME
exec .cache/eda/bin/ansible-rulebook "$@"
