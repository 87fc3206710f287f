import { setTimeout as sleep } from "node:timers/promises";
import {
  type BalancedFleet,
  balancedFleet,
  callAt,
  fleetTest,
  placesOf,
  started,
} from "../../fixtures/fleet/balanced-fleet.ts";
import { knowEachOther } from "../../fixtures/fleet/know-each-other.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";

const test = fleetTest();

/** Calls that begin and end by themselves, one after another, through the balancer. */
class Caller {
  readonly #fleet: BalancedFleet;
  /** The reasons for which the calls ended. */
  readonly ends: string[] = [];
  #over = false;
  readonly done: Promise<void>;

  constructor(fleet: BalancedFleet) {
    this.#fleet = fleet;
    this.done = this.#run();
  }

  /** Makes no further call, and resolves when the last one has ended. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.done;
  }

  async #run(): Promise<void> {
    const { balancer } = this.#fleet;
    while (!this.#over) {
      const json = { call_id: "stream", config: { lasts_ms: 500 } };
      const { session_id } = await started(balancer, { json });
      this.ends.push(await this.#endOf(session_id));
    }
  }

  /** Resolves with the end reason of a session. It asks again and again, and every answer has to tell its state. */
  async #endOf(sessionId: string): Promise<string> {
    for (;;) {
      const { status, body, text } = await this.#fleet.balancer.ask(`/sessions/${sessionId}`);
      if (status === 404) return body.end_reason ?? "unknown";
      if (status !== 200) throw new Error(`A look at a session was answered ${status}: ${text}`);
      await sleep(100);
    }
  }
}

test("a rolling restart of all replicas refuses no start, and cuts no call", async (t) => {
  const fleet = await balancedFleet(t, {
    // With one of them away there is room for the callers, and for the calls that go on.
    launcher: { maxConcurrentSessions: 5 },
    runner: { drainAnnounceMs: 4_000, drainTimeoutMs: 120_000 },
  });
  const { balancer, replicas } = fleet;
  const callers = Array.from({ length: 4 }, () => new Caller(fleet));
  // Whatever goes wrong there is told at once.
  const failed = Promise.race(
    callers.map(({ done }) => done.then(() => Promise.withResolvers<never>().promise)),
  );

  const restart = async () => {
    for (const replica of replicas) {
      const session_id = await callAt(fleet, replica);
      const path = `/sessions/${session_id}`;
      const { others } = await placesOf(replicas, session_id);
      const events = await EventReader.open(t, `${others[0]!.url}${path}/events`);
      await events.until(({ data }) => data.state === "live");

      const exit = replica.drain();
      await replica.child.logged("calls_awaited");
      t.is((await balancer.ask(`${path}/messages`, { json: { text: "still there?" } })).status, 202);
      await events.until(({ event }) => event === "turn");
      t.is((await balancer.ask(path, { method: "DELETE" })).status, 204);
      t.like((await events.rest()).at(-1), { event: "end", data: { reason: "closed" } });
      t.is(await exit, 0);
      t.like((await balancer.ask(path)).body, { end_reason: "closed" });
      await replica.restart();
      await knowEachOther(replicas);
    }
  };
  await Promise.race([restart(), failed]);
  await Promise.all(callers.map((caller) => caller.stop()));

  const ends = callers.flatMap(({ ends }) => ends);
  t.log(`${ends.length} calls meanwhile`);
  t.true(ends.length > 20);
  t.deepEqual(new Set(ends), new Set(["finished"]));
});
