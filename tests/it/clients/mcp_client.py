"""An MCP client on either SDK, led by lines of JSON: {"call": TOOL, "arguments": {…}, "within": SECONDS?}, "list", "read".
Prints one line of JSON for each. Arguments: a server's command line, or a URL."""

import asyncio
import contextlib
import json
import sys
from datetime import timedelta

import mcp

STATELESS = hasattr(mcp, "Client")


@contextlib.asynccontextmanager
async def connected():
    target = sys.argv[1:]
    if STATELESS:
        url = len(target) == 1 and target[0].startswith("http")
        server = target[0] if url else mcp.StdioServerParameters(command=target[0], args=target[1:])
        async with mcp.Client(server) as client:
            yield client
    else:
        from mcp.client.stdio import stdio_client

        server = mcp.StdioServerParameters(command=target[0], args=target[1:])
        async with stdio_client(server) as (read, write), mcp.ClientSession(read, write) as client:
            await client.initialize()
            yield client


def told(result):
    text = "".join(part.text for part in result.content)
    failed = result.is_error if STATELESS else result.isError
    return {"error": bool(failed), "text": text if len(text) < 2000 else len(text), "meta": result.meta}


async def asked(client, ask, heard):
    async def progress(step, total, message):
        heard.append([step, total, message])

    if ask.get("list"):
        return sorted(tool.name for tool in (await client.list_tools()).tools)
    if ask.get("read"):
        return (await client.read_resource(ask["read"])).contents[0].text
    arguments = ask.get("arguments", {})
    if ask.get("large"):
        arguments = {"text": "é" * (ask["large"] // 2)}
    within = ask.get("within")
    if within is not None and not STATELESS:
        within = timedelta(seconds=within)
    result = await client.call_tool(
        ask["call"], arguments, read_timeout_seconds=within, progress_callback=progress
    )
    return told(result)


async def main():
    async with connected() as client:
        print(json.dumps({"ready": True}), flush=True)
        lines = asyncio.get_running_loop()
        waiting = set()

        async def one(ask):
            heard = []
            try:
                answer = {"id": ask.get("id"), "answer": await asked(client, ask, heard), "progress": heard}
            except Exception as why:
                answer = {"id": ask.get("id"), "raised": f"{type(why).__name__}: {why}", "progress": heard}
            print(json.dumps(answer), flush=True)

        while line := await lines.run_in_executor(None, sys.stdin.readline):
            task = asyncio.create_task(one(json.loads(line)))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        for task in list(waiting):
            task.cancel()


asyncio.run(main())
