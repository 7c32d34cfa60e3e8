// Asks andon before each tool through OpenFeature. Usage: node ask_openfeature.cjs URL AGENT TOOL…
// npm: @openfeature/server-sdk @openfeature/ofrep-provider. The code default is false: whatever goes wrong, from a typing
// error to an andon that does not answer, stops the agent.
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

const [url, agent, ...tools] = process.argv.slice(2);
const token = process.env.ANDON_TOKEN; // andon token make bot --role agent --agent refund-bot
const headers = token ? [['Authorization', `Bearer ${token}`]] : [];

async function main() {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers, timeoutMs: 250 }));
  const flags = OpenFeature.getClient();
  for (const tool of tools) {
    const told = await flags.getBooleanDetails('andon.allowed', false, { targetingKey: agent, tool });
    if (told.value) console.log(tool, 'goes on');
    else console.log(tool, 'stopped:', told.flagMetadata.reason ?? told.errorMessage);
  }
}

main();
