#!/usr/bin/env bash
# The JavaScript OpenFeature SDKs, server and web, with their OFREP providers. Prints the folder for NODE_PATH.
exec "$(dirname "$0")/npm" openfeature-js
