#!/usr/bin/env bash
# The Python OpenTelemetry SDK with its OTLP exporter over HTTP. Prints the interpreter to use.
exec "$(dirname "$0")/venv" python-otel-1.45.2 'opentelemetry-sdk==1.45.2' 'opentelemetry-exporter-otlp-proto-http==1.45.2'
