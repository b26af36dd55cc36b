#!/bin/sh
# Why: the project needs a few things that neither pip nor npm can bring. This looks for each by what it does,
# installs what is missing where it may (root on Debian or Ubuntu), and otherwise says exactly what to run.
#
# usage: setup/system_packages.sh venv | npm | postgresql | strace | headless | chromium | poppler | softhsm ...
# The last five are a help only: where one cannot be had, the tests that use it say so, and nothing fails.
set -eu

has_venv() { "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; }
has_npm() { command -v npm >/dev/null && command -v node >/dev/null; }
has_postgresql() {
    for bin in /usr/lib/postgresql/*/bin; do
        if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then return 0; fi
    done
    command -v initdb >/dev/null && command -v postgres >/dev/null
}
has_strace() { command -v strace >/dev/null; }
has_poppler() { command -v pdfsig >/dev/null; }
has_softhsm() { command -v softhsm2-util >/dev/null; }
has_headless() { command -v chromium-headless-shell >/dev/null; }
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null; }

packages_for() {
    case "$1" in
        venv) echo python3-venv ;;
        npm) echo nodejs npm ;;
        postgresql) echo postgresql ;; # server binaries; only the tests start one, in a temporary folder
        strace) echo strace ;; # fails and kills the program at a chosen system call
        headless) echo chromium-headless-shell ;; # the browser that walks the pages in the tests
        chromium) echo chromium ;; # the same with windows, where the former cannot be had
        poppler) echo poppler-utils ;; # its pdfsig is a second opinion on seals
        softhsm) echo softhsm2 ;; # a device with a key, in software
        *) echo "setup/system_packages.sh: nothing is known of '$1'" >&2; return 2 ;;
    esac
}

missing=
for need in "$@"; do
    packages=$(packages_for "$need")
    "has_$need" || missing="$missing $packages"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # $missing is a list of package names, so it is split on purpose.
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    {
        echo "Missing on this machine:$missing"
        if command -v apt-get >/dev/null; then
            echo "Install it with:  sudo apt-get install --no-install-recommends$missing"
        else
            echo "Install the like of these Debian packages with this machine's package manager."
        fi
        echo "Then run make again."
    } >&2
    exit 1
fi

for need in "$@"; do
    "has_$need" || { echo "The packages were installed, but '$need' is still not usable here." >&2; exit 1; }
done
