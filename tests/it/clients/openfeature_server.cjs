// Asks andon.allowed through the OpenFeature server SDK over and over, as an agent would before each step; prints each
// change. Usage: openfeature_server.cjs URL AGENT. The code default is false: an agent that hears nothing stops.
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

const [url, agent] = process.argv.slice(2);
const context = { targetingKey: agent, tool: 'stripe.payout' };

async function main() {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, timeoutMs: 2000 }));
  const client = OpenFeature.getClient();
  let last;
  for (;;) {
    const details = await client.getBooleanDetails('andon.allowed', false, context);
    const mode = await client.getStringValue('andon.mode', 'halt', context);
    const now = [details.value, details.variant ?? '-', details.reason, details.errorCode ?? '-', mode].join(' ');
    if (now !== last) console.log(now);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

main().catch((why) => {
  console.error(why);
  process.exit(1);
});
