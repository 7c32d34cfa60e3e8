// Holds the flags of an agent through the OpenFeature web SDK, which is told of changes by an event stream and never polls
// here; prints each change, and how each stream was answered. Usage: openfeature_web.cjs URL AGENT.
const { OpenFeature } = require('@openfeature/web-sdk');
const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');
const { EventSource } = require('eventsource');

const [url, agent] = process.argv.slice(2);

// A page has both of these; Node has neither.
globalThis.EventSource = class extends EventSource {
  constructor(address) {
    const watched = async (input, init) => {
      const answer = await fetch(input, init);
      console.log('stream', answer.status);
      return answer;
    };
    super(address, { fetch: watched });
  }
};
const kept = new Map();
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};

async function main() {
  await OpenFeature.setContext({ targetingKey: agent });
  const provider = new OFREPWebProvider({ baseUrl: url, cacheMode: 'disabled', pollInterval: 0 });
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  let last;
  const tell = () => {
    const payout = client.getBooleanValue('andon.tool.stripe.payout', false);
    const find = client.getBooleanValue('andon.tool.crm.find', false);
    const now = ['flags', client.getStringValue('andon.mode', 'halt'), payout, find].join(' ');
    if (now !== last) console.log(now);
    last = now;
  };
  tell();
  // What it holds in memory: no request. After a broken stream it fetches without an event.
  setInterval(tell, 20);
}

main().catch((why) => {
  console.error(why);
  process.exit(1);
});
