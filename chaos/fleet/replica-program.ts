// A replica under chaos: options of launcher and runner come from CHAOS_OPTIONS, all else from the environment.
import { AgentLauncher, Runner } from "greenroom";

const { launcher, runner } = JSON.parse(process.env.CHAOS_OPTIONS ?? "{}");

await new Runner(
  new AgentLauncher({ agent: new URL("./chaos-agent.ts", import.meta.url).href, ...launcher }),
  { startsPerSecond: null, messagesPerSecond: null, trustedProxyCount: 1, ...runner },
).cli();
