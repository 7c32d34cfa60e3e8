#!/usr/bin/env bash
# Installs the pinned Python OpenFeature SDK and its OFREP provider for the tests, once, outside the tree. Prints the
# interpreter to use. Needs python3 with venv; downloads from PyPI on the first run only.
set -euo pipefail

cache="${ANDON_TEST_CACHE:-$HOME/.cache/andon-tests}"
venv="$cache/python-openfeature-0.10.0"
python="$venv/bin/python"

if [ ! -e "$venv/.complete" ]; then
    mkdir -p "$cache"
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/.complete" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        "$python" -m pip install --quiet --disable-pip-version-check \
            'openfeature-sdk==0.10.0' 'openfeature-provider-ofrep==0.3.0' >&2
        touch "$venv/.complete"
    fi
fi
echo "$python"
