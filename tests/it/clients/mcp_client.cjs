// An MCP client on the JavaScript SDK, led by lines of JSON: {"call": TOOL, "arguments": {…}, "within": SECONDS?}, "list".
// Answers a server's sampling requests with one word. Prints one line of JSON for each. Arguments: a server's command line.
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { CreateMessageRequestSchema } = require("@modelcontextprotocol/sdk/types.js");
const lines = require("node:readline").createInterface({ input: process.stdin });

async function main() {
  const [command, ...args] = process.argv.slice(2);
  const client = new Client({ name: "till", version: "1" }, { capabilities: { sampling: {}, elicitation: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    model: "none", role: "assistant", content: { type: "text", text: "sampled" },
  }));
  await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
  console.log(JSON.stringify({ ready: true, server: client.getServerVersion().name }));
  for await (const line of lines) {
    const ask = JSON.parse(line);
    const progress = [];
    const options = { onprogress: (step) => progress.push(step.progress), resetTimeoutOnProgress: true };
    if (ask.within) Object.assign(options, { timeout: ask.within * 1000, resetTimeoutOnProgress: false });
    try {
      const answer = ask.list
        ? (await client.listTools()).tools.map((tool) => tool.name).sort()
        : await client.callTool({ name: ask.call, arguments: ask.arguments ?? {} }, undefined, options);
      console.log(JSON.stringify({ id: ask.id, answer, progress }));
    } catch (why) {
      console.log(JSON.stringify({ id: ask.id, raised: String(why), progress }));
    }
  }
  await client.close();
}

main();
