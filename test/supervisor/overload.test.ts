import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { openServer, startLauncher } from "../fixtures/http/open-server.ts";
import { reached } from "../fixtures/session-watch.ts";

/** The main loop is late again and again, until the signal fires. */
async function keepBusy(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const until = performance.now() + 400;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test.serial(
  "a server under too much load refuses starts until it is over, or only tells; calls go on",
  async (t) => {
    t.timeout(120_000);
    const launchers = [await startLauncher({ ignoreLoad: false }), await startLauncher({ ignoreLoad: true })];
    for (const launcher of launchers) t.teardown(() => launcher.stop());
    const [careful, careless] = await Promise.all(launchers.map((launcher) => openServer(t, launcher)));
    const { session_id } = await careful!.start();

    const over = new AbortController();
    const busy = keepBusy(over.signal);
    await eventually("it is not ready", async () => (await careful!.ask("/ready")).status === 400, 60_000);
    const refused = await careful!.ask("/sessions", { json: { call_id: "refused" } });
    t.like(refused, { status: 503, body: { code: "OVERLOADED" } });
    t.is(refused.headers.get("retry-after"), "5");
    t.is((await careful!.ask("/serving")).status, 200);
    t.is((await careful!.ask(`/sessions/${session_id}`)).status, 200);
    await eventually("the other one has seen it too", async () =>
      /^greenroom_load_guard_active\{cause="event_loop"\} 1$/m.test((await careless!.ask("/metrics")).text),
    );
    t.is((await careless!.ask("/ready")).status, 200);
    const accepted = await careless!.start();
    await reached(launchers[1]!.getSession(accepted.session_id)!, "live");

    over.abort();
    await busy;
    await eventually("it is ready again", async () => (await careful!.ask("/ready")).status === 200, 60_000);
    t.is((await careful!.ask("/sessions", { json: { call_id: "later" } })).status, 201);
  },
);
