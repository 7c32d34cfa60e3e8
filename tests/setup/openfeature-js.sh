#!/usr/bin/env bash
# The JavaScript OpenFeature SDKs, server and web, with their OFREP providers. Prints the folder for NODE_PATH.
# Pinned by the lock file beside; needs node and npm; downloads from the npm registry on the first run only.
set -euo pipefail

pins="$(cd "$(dirname "$0")" && pwd)/openfeature-js"
cache="${ANDON_TEST_CACHE:-$HOME/.cache/andon-tests}"
folder="$cache/openfeature-js-$(sha256sum "$pins/package-lock.json" | cut -c1-12)"

if [ ! -e "$folder/.complete" ]; then
    mkdir -p "$folder"
    exec 9>"$folder.lock"
    flock 9
    if [ ! -e "$folder/.complete" ]; then
        cp "$pins/package.json" "$pins/package-lock.json" "$folder"
        npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        touch "$folder/.complete"
    fi
fi
echo "$folder/node_modules"
