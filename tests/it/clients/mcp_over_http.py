"""An MCP server and a client of the stateless revision, over Streamable HTTP. Usage: serve PORT | call URL KEY.

The client calls each tool that it reads a name of, with the key as its Authorization, and prints what came of it.
"""

import asyncio
import sys

import mcp
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.server.mcpserver import MCPServer

server = MCPServer("till", log_level="ERROR")


@server.tool(name="stripe.payout")
def payout(amount: float) -> str:
    """Pays."""
    return f"paid {amount:g}"


@server.tool(name="crm.find")
def find(amount: float) -> str:
    """Finds who was paid as much."""
    return f"found {amount:g}"


async def calls(url, key):
    http = create_mcp_http_client(headers={"Authorization": key})
    async with mcp.Client(streamable_http_client(url, http_client=http)) as client:
        tools = sorted(tool.name for tool in (await client.list_tools()).tools)
        print("tools", *tools, flush=True)
        for line in iter(sys.stdin.readline, ""):
            try:
                result = await client.call_tool(line.strip(), {"amount": 7})
                print("done", result.content[0].text, flush=True)
            except mcp.MCPError as why:
                print("refused", why.error.code, why.error.message, flush=True)


if sys.argv[1] == "serve":
    server.run(transport="streamable-http", port=int(sys.argv[2]))
else:
    asyncio.run(calls(*sys.argv[2:]))
