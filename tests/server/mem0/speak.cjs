// Speaks mem0's published TypeScript client for the tests: a line of JSON in, one out.
// Nothing but this machine is reached: what the client would send to anybody else fails.
const { createRequire } = require("node:module");
const readline = require("node:readline");

const reach = globalThis.fetch;
globalThis.fetch = (url, options) => {
  const host = new URL(typeof url === "string" ? url : url.url ?? String(url)).hostname;
  if (host !== "127.0.0.1") throw new Error(`the client tried to reach ${host}`);
  return reach(url, options);
};

const mem0 = createRequire(`${process.argv[2]}/package.json`)("mem0ai");
const clients = {};

async function answer(order) {
  if (order.do === "open") {
    clients[order.on] = new mem0.MemoryClient({ apiKey: order.key, host: order.host });
    return null;
  }
  return (await clients[order.on][order.method](...order.args)) ?? null;
}

function error(exc) {
  const names = ["message", "errorCode", "details", "suggestion", "debugInfo"];
  return { type: exc.constructor.name, text: String(exc.message), ...Object.fromEntries(names.map((n) => [n, exc[n]])) };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let told;
    try {
      told = { result: await answer(JSON.parse(line)) };
    } catch (exc) {
      told = { error: error(exc) };
    }
    process.stdout.write(JSON.stringify(told) + "\n");
  }
})();
