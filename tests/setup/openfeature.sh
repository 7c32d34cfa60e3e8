#!/usr/bin/env bash
# The Python OpenFeature SDK and its OFREP provider. Prints the interpreter to use.
exec "$(dirname "$0")/venv" python-openfeature-0.10.0 'openfeature-sdk==0.10.0' 'openfeature-provider-ofrep==0.3.0'
