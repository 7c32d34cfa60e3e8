#!/usr/bin/env bash
# What reads an OpenAPI document and holds answers to it. Prints the interpreter to use.
exec "$(dirname "$0")/venv" python-openapi-0.9.0 'openapi-spec-validator==0.9.0' 'jsonschema==4.26.0'
