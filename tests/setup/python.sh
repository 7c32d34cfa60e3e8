#!/usr/bin/env bash
# Installs the pinned Python OpenTelemetry SDK for the tests, once, outside the tree. Prints the interpreter to use.
# Needs python3 with venv; downloads from PyPI on the first run only.
set -euo pipefail

cache="${ANDON_TEST_CACHE:-$HOME/.cache/andon-tests}"
venv="$cache/python-otel-1.45.2"
python="$venv/bin/python"

if [ ! -e "$venv/.complete" ]; then
    mkdir -p "$cache"
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/.complete" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        "$python" -m pip install --quiet --disable-pip-version-check \
            'opentelemetry-sdk==1.45.2' 'opentelemetry-exporter-otlp-proto-http==1.45.2' >&2
        touch "$venv/.complete"
    fi
fi
echo "$python"
