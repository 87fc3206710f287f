import test from "ava";
import { AgentLauncher, type AgentLauncherOptions } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";

const wrong: readonly [title: string, options: object, says: RegExp][] = [
  ["a duration without its unit", { agentIdleTimeout: 1 }, /agentIdleTimeout: .*agentIdleTimeoutMs/],
  ["an option that does not exist", { maxSessions: 1 }, /maxSessions: there is no such option/],
  ["a number that is none", { maxConcurrentSessions: "many" }, /maxConcurrentSessions/],
  ["zero sessions", { maxConcurrentSessions: 0 }, /maxConcurrentSessions/],
  ["a timer that would overflow", { closeGraceMs: 2 ** 31 }, /closeGraceMs/],
  [
    "a soft limit above the hard one",
    { heapSoftLimitMb: 2_000 },
    /heapSoftLimitMb must be less than heapLimitMb/,
  ],
  ["a webhook that is no URL", { webhook: { url: "nowhere", secret: "whsec_AAAA" } }, /webhook\.url/],
  ["a webhook without a secret", { webhook: { url: "http://127.0.0.1:1" } }, /webhook\.secret/],
  ["no agent", { agent: "" }, /agent/],
  ["a registry that is none", { registry: {} }, /registry: expected either url or client/],
  [
    "a Redis of another kind",
    { registry: { url: "http://127.0.0.1" } },
    /registry.*redis:\/\/ or rediss:\/\//,
  ],
  [
    "a Redis database that is no number",
    { registry: { url: "redis://a/b" } },
    /registry.*number of a database/,
  ],
  ["a Redis password that cannot be read", { registry: { url: "redis://:a%b@c" } }, /registry.*%25/],
  [
    "a misspelt option of Redis",
    { registry: { url: "redis://a", lease: 1 } },
    /registry\.lease: there is no such option/,
  ],
  ["a node without a proper name", { nodeId: "a b" }, /nodeId/],
  [
    "a leave module that is no file",
    { leaveModules: { own: "data:text/javascript," } },
    /leaveModules\.own: .*file: URL/,
  ],
  ["an address with a path", { advertisedAddress: "http://a/b" }, /advertisedAddress: .*without a path/],
];

for (const [title, options, says] of wrong) {
  test(`${title} is refused by name`, async (t) => {
    const launcher = new AgentLauncher({ agent: import.meta.url, ...options } as AgentLauncherOptions);
    await t.throwsAsync(launcher.start(), { code: "INVALID_OPTIONS", message: says });
  });
}

test("defaults: as many warm threads as cores, two at the least, never more than sessions", async (t) => {
  const { options } = await supervisorOf(new AgentLauncher({ agent: "./agent.ts", logLevel: "silent" }));
  t.true(options.warmSessions >= Math.min(2, options.maxConcurrentSessions));
  t.is(options.agentIdleTimeoutMs, 60_000);
  t.is(options.heapSoftLimitMb, 384);
  t.regex(options.agent, /^file:\/\/.*\/agent\.ts$/);
  const one = await supervisorOf(
    new AgentLauncher({ agent: "./agent.ts", maxConcurrentSessions: 1, logLevel: "silent" }),
  );
  t.is(one.options.warmSessions, 1);
});
