#!/bin/sh
# Make a virtual environment in the folder $1, with the Python named by $PYTHON or the
# first one on PATH that is new enough. Plain POSIX, for Debian's and macOS's shells alike.
set -eu

venv=$1

# 3.11 first: the versions in the lock files were tried together on it.
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "Citewise needs Python 3.11 or newer, and ${PYTHON:-PATH} has none: install it, or name it with make PYTHON=/path/to/python3." >&2
    exit 1
fi

if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv --clear "$venv"
elif "$python" -m pip --version >/dev/null 2>&1; then
    # Debian keeps ensurepip in a package of its own (python3-venv); any pip can fill the environment instead.
    "$python" -m venv --clear --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install pip
else
    echo "This Python has neither ensurepip nor pip: install python3-venv or python3-pip with the system's package manager, then run make again." >&2
    exit 1
fi
