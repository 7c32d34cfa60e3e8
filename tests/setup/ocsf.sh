#!/usr/bin/env bash
# The schema of OCSF as published models. Prints the interpreter to use.
exec "$(dirname "$0")/venv" python-ocsf-1.7.0 'pydantic-ocsf==1.7.0.20260129'
