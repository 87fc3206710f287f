import type { Worker } from "node:worker_threads";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { CallPage } from "../../fixtures/browser/chromium.ts";
import { inChromium, shareChromium, titled } from "../../fixtures/browser/stage.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** The threads of this process so far. */
const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));
shareChromium();

for (const transport of ["webrtc", "websocket"] as const) {
  inChromium(titled(`by ${transport}: a page is told that its server is drained`), async (t) => {
    const launcher = await startLauncher({ agent: agentUrl("calls/browser") });
    t.teardown(() => launcher.stop());
    const { url } = await openServer(t, launcher);
    const call = await CallPage.open(t.context.browser, url);
    t.teardown(() => call[Symbol.asyncDispose]());
    await call.start({ transport, start: { config: {} } });
    await launcher.stop();
    await call.until("stage.call.state === 'ended'");
    t.is((await call.view()).ended?.reason, "drained");
  });
}

inChromium(
  titled("a page whose agent's thread dies without a word looks for it, and is told that it is over"),
  async (t) => {
    const launcher = await startLauncher({
      agent: agentUrl("calls/browser"),
      warmSessions: 1,
      maxConcurrentSessions: 1,
    });
    t.teardown(() => launcher.stop());
    const { url } = await openServer(t, launcher);
    const call = await CallPage.open(t.context.browser, url);
    t.teardown(() => call[Symbol.asyncDispose]());
    await call.start({ transport: "webrtc", start: { config: {} } });
    await threads.at(-1)?.terminate();
    await call.until("stage.call.state === 'ended'");
    t.true(await call.ask("stage.states.includes('reconnecting')"));
    t.is((await call.view()).ended?.reason, "crashed");
  },
);
