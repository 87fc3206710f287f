import test from "ava";
import { Pool } from "../../src/supervisor/threads/pool.ts";
import { threadEnvironment } from "../../src/supervisor/threads/thread-environment.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";

test("a thread that stands still to load modules is not taken for one that hangs", async (t) => {
  const launcher = await launch(t, "imports/long-preload", {
    unresponsiveAfterMs: 500,
    createTimeoutMs: 60_000,
  });
  const session = await launcher.startSession({ callId: "loads", config: { stopMs: 2_000 } });
  const said = Promise.withResolvers<void>();
  session.events.subscribe(0, ({ event }) => {
    if (event.type === "transcript" && event.text === "Loaded.") said.resolve();
  });
  await Promise.race([said.promise, session.ended]);
  t.is(session.endReason, null);
});

test("a session is given a thread that loads nothing at the moment, where there is one", async (t) => {
  const none = { connect: () => ({ port: null, refusal: "there is none" }) as const };
  const pool = new Pool(
    {
      agentUrl: agentUrl("imports/long-preload"),
      capacity: 4,
      warmSessions: 4,
      threadStartTimeoutMs: 60_000,
      heapLimitMb: 256,
      messagesPerSecond: 1_000,
      limitedProviders: [],
      log: { level: "silent", fd: 2, transcripts: false },
      environment: threadEnvironment(process.env as Record<string, string>),
      shared: {
        recogniser: { ...none, model: null },
        media: { ...none, offered: false },
        voice: none,
        mcp: none,
      },
    },
    { killed() {}, warm() {}, startFailed() {}, error() {} },
  );
  t.teardown(() => pool.destroy());
  pool.start();
  await eventually("two of four load something", () => {
    const warm = [...pool.slots].filter(({ state }) => state === "warm");
    return warm.length === 4 && warm.filter(({ loading }) => loading).length === 2;
  });
  const taken = [pool.take(), pool.take(), pool.take()];
  t.deepEqual(
    taken.map((slot) => slot?.loading),
    [false, false, true],
  );
});
