"""An MCP server on either SDK: its tools write down what they did, so that a test sees what was executed."""

import asyncio
import sys

try:
    from mcp.server import MCPServer as Server  # the stateless revision
    from mcp.server.mcpserver import Context
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as Server

DONE = open(sys.argv[1], "a", buffering=1)
server = Server("till")


@server.tool()
def refund(order: str, amount: float) -> str:
    """Pays money back."""
    print(f"refund {order} {amount:g}", file=DONE)
    return f"refunded {amount:g} for {order}"


@server.tool()
def look(order: str) -> str:
    """Looks an order up."""
    print(f"look {order}", file=DONE)
    return f"{order} is paid"


@server.tool()
async def slow(steps: int, context: Context) -> str:
    """Takes its time, and says how far it is."""
    print("slow begins", file=DONE)
    for step in range(steps):
        await context.report_progress(step + 1, steps)
        await asyncio.sleep(0.1)
    print("slow ends", file=DONE)
    return "done"


@server.tool()
def echo(text: str) -> str:
    """Says it again."""
    return text


@server.tool()
def measure(text: str) -> str:
    """Says how long it is."""
    return f"{len(text)} characters"


@server.tool()
def fail() -> str:
    """Fails, at length."""
    print("noise " * 200_000, file=sys.stderr)
    raise ValueError("it failed")


@server.tool()
def die() -> str:
    """Takes the server with it."""
    import os

    os._exit(3)


@server.resource("till://total")
def total() -> str:
    """What is in the till."""
    return "41"


if len(sys.argv) > 2:
    try:
        server.run("streamable-http", port=int(sys.argv[2]))
    except TypeError:
        server.settings.port = int(sys.argv[2])
        server.run("streamable-http")
else:
    server.run()
