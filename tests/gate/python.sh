#!/bin/sh
# Print a real interpreter that can run the gate: not a shim, not a virtual environment, Python 3.11 or later.
# PYTHON=path chooses another one.
set -eu

for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11}; do
    # The interpreter itself tells where it lies: a pyenv shim has a path that only works inside its own environment.
    if found=$("$candidate" -c '
import os, sys
if sys.version_info < (3, 11): sys.exit(1)
print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))' 2>/dev/null); then
        echo "$found"
        exit 0
    fi
done
echo "No Python 3.11 or later found (tried: ${PYTHON:-/usr/bin/python3 and python3* on PATH}). Install one, or name it: make PYTHON=/path/to/python3" >&2
exit 1
