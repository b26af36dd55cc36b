#!/bin/sh
# Why: one place decides which versions everyone gets. It resolves pyproject.toml and package.json anew, keeps the
# versions already locked where they still fit, and refuses a lock file that tells where this machine downloads.
#
# usage: setup/lock.sh [--upgrade | --upgrade-package NAME]
set -eu
cd "$(dirname "$0")/.."
tools=var/lock-tools

if [ ! -x "$tools/bin/uv" ]; then
    "${PYTHON:-python3}" -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv
fi

# A folder of wheels that this machine happens to have must not decide what others get.
env -u PIP_FIND_LINKS -u UV_FIND_LINKS "$tools/bin/uv" pip compile --quiet --universal --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    --extra dev "$@" pyproject.toml -o requirements.lock
npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error

if grep -nE '://|--(extra-)?index-url|--find-links|"resolved"' requirements.lock package-lock.json ||
    grep -nF -e "$PWD" -e "$HOME/" requirements.lock package-lock.json; then
    echo "The lines above name an address or a path of this machine: do not commit them." >&2
    exit 1
fi
