#!/bin/sh
# Why: the look of the pages and the typeface of the documents come from npm, exactly as package-lock.json says,
# and no script of a package runs on this machine.
set -eu
cd "$(dirname "$0")/.."
sh setup/system_packages.sh npm
echo "Installing the locked front-end packages" >&2
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
