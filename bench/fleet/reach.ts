import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { within } from "../../src/shared/deadline.ts";
import { eventually } from "../../test/fixtures/eventually.ts";
import type { ReplicaProcess } from "../../test/fixtures/fleet/replica-process.ts";
import { Client } from "../client.ts";
import type { Report } from "../figure.ts";
import { median, quantile } from "../statistics.ts";
import type { Fleet } from "./stage.ts";

const warmUpRounds = 5;
const rounds = 40;

/**
 * Measures the time from the request to close, at another replica than the session's, until the agent's code hears of
 * it.
 */
export async function closes(fleet: Fleet, report: Report): Promise<void> {
  const tookMs: number[] = [];
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    await fleet.settled();
    const { id } = await fleet.client.start(`close-${round}`);
    const { owner, foreign } = fleet.placesOf(id);
    const client = new Client(foreign.url);
    // It is in its call, and the connection between the two is there.
    await eventually("the session is live", async () =>
      (await client.send("GET", `/sessions/${id}`)).body.includes('"live"'),
    );
    const askedAt = process.hrtime.bigint();
    await client.end(id);
    const [, toldAt = "0"] = await owner.child.printed(new RegExp(`told ${id} (\\d+)`));
    client.close();
    if (round >= warmUpRounds) tookMs.push(Number(BigInt(toldAt) - askedAt) / 1e6);
  }
  report({ figure: "foreign_close_to_agent_told_p50", value: median(tookMs), unit: "ms" });
  report({
    figure: "foreign_close_to_agent_told_p95",
    value: quantile(tookMs, 0.95),
    unit: "ms",
    target: { atMost: 50 },
    note: `${tookMs.length} sessions, closed at another replica`,
  });
}

/**
 * Measures the time from a message to the turn that it begins, as it is heard at the session's replica and through
 * another one.
 */
export async function events(fleet: Fleet, report: Report): Promise<void> {
  await fleet.settled();
  const { id } = await fleet.client.start("events");
  const { owner, foreign } = fleet.placesOf(id);
  const client = new Client(owner.url);
  const home = await Listener.open(owner, id);
  const abroad = await Listener.open(foreign, id);
  const atHomeMs: number[] = [];
  const abroadMs: number[] = [];
  for (let round = 0; round < warmUpRounds + rounds * 5; round += 1) {
    const heard = [home.hears("turn"), abroad.hears("turn")] as const;
    const saidAt = performance.now();
    await client.send("POST", `/sessions/${id}/messages`, { text: "hello" });
    const [homeAt, abroadAt] = await Promise.all(heard);
    if (round < warmUpRounds) continue;
    atHomeMs.push(homeAt - saidAt);
    abroadMs.push(abroadAt - saidAt);
  }
  home.close();
  abroad.close();
  await client.end(id);
  client.close();
  const note = `from a message to the end of its turn, ${atHomeMs.length} turns`;
  report({ figure: "event_at_home_p50", value: median(atHomeMs), unit: "ms", note });
  report({ figure: "event_at_home_p95", value: quantile(atHomeMs, 0.95), unit: "ms" });
  report({ figure: "event_through_foreign_p50", value: median(abroadMs), unit: "ms" });
  report({ figure: "event_through_foreign_p95", value: quantile(abroadMs, 0.95), unit: "ms" });
}

/** Hears the events of a session. */
class Listener {
  readonly #response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.#response = response.setEncoding("utf8");
    // Read on, whether or not anybody waits for anything.
    this.#response.resume();
  }

  static async open({ url }: ReplicaProcess, sessionId: string): Promise<Listener> {
    const request = get(`${url}/sessions/${sessionId}/events`);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return new Listener(response);
  }

  /** Resolves with the time when the next event of this name comes. */
  hears(name: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    let text = "";
    const read = (chunk: string) => {
      text += chunk;
      if (!text.includes(`event: ${name}\n`)) return;
      this.#response.off("data", read);
      resolve(performance.now());
    };
    this.#response.on("data", read);
    return within(promise, 30_000, `The event ${name}`);
  }

  close(): void {
    this.#response.destroy();
  }
}
