#!/usr/bin/env bash
# The JavaScript MCP SDK, and two public servers. Prints the folder for NODE_PATH.
exec "$(dirname "$0")/npm" mcp-js
