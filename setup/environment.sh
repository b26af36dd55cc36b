#!/bin/sh
# Why: everyone runs the same versions. This makes .venv from the locked requirements (each file checked against
# its hash) and installs the project into it so that edits count at once. Doing it twice changes nothing.
#
# usage: setup/environment.sh        PYTHON=python3.12 chooses another interpreter
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

command -v "$python" >/dev/null || { echo "'$python' is missing: install Python 3.11, 3.12 or 3.13." >&2; exit 1; }

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

if ! is_supported "$python"; then
    echo "'$python' is $("$python" --version 2>&1), but the project needs Python 3.11, 3.12 or 3.13." >&2
    echo "Name another with:  make setup PYTHON=python3.12" >&2
    exit 1
fi

# A half-made environment, one of an unsupported Python or one whose Python has gone is made anew.
if ! is_supported .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    sh setup/system_packages.sh venv
    echo "Making .venv with $("$python" --version)" >&2
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing the locked Python packages" >&2
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
