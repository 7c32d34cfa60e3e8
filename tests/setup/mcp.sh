#!/usr/bin/env bash
# The Python MCP SDKs of both eras: sessions, and the stateless revision. Prints the interpreter of the one asked for.
case "${1:-stateless}" in
    sessions) exec "$(dirname "$0")/venv" python-mcp-1.30.0 'mcp==1.30.0' ;;
    *) "$(dirname "$0")/venv" python-mcp-1.30.0 'mcp==1.30.0' >/dev/null && exec "$(dirname "$0")/venv" python-mcp-2.3.0 'mcp==2.3.0' ;;
esac
