import { join } from "node:path";
import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { SmallDisk } from "../fixtures/registry/small-disk.ts";
import { program } from "../fixtures/runner/child.ts";
import { ask, startSession } from "../fixtures/runner/rest.ts";
import { allTold, close, serving } from "../fixtures/runner/state-dir.ts";
import { WebhookReceiver } from "../fixtures/supervisor/webhook-receiver.ts";

test.serial(
  "a state folder beside a Redis is refused; where there is neither, it is said what is lost",
  async (t) => {
    const both = program(t, ["serve", "--state-dir", "x"], { env: { REDIS_URL: "redis://127.0.0.1:1" } });
    t.is((await both.exit).code, 2);
    t.regex(both.stderr, /stateDir \(--state-dir\) is for a server without a registry \(REDIS_URL\)/);
    const receiver = await WebhookReceiver.open(t);
    const neither = serving(t, receiver);
    await neither.readyUrl();
    const lines = neither.log.filter(({ event }) => event === "session_ends_unkept");
    t.deepEqual(
      lines.map(({ level }) => level),
      [30],
    );
  },
);

test.serial(
  "a full disk: starts are answered 503, the probe and the log say so, and all goes on once there is room",
  async (t) => {
    const disk = SmallDisk.open(t);
    if (!disk) return;
    const receiver = await WebhookReceiver.open(t);
    const server = serving(t, receiver, join(disk.folder, "state"));
    const url = await server.readyUrl();
    const lives = await startSession(url);
    disk.fill();
    const closed: string[] = [];
    let refusal: Awaited<ReturnType<typeof ask>> | undefined;
    // Until the last page of the file is full.
    while (!refusal && closed.length < 50) {
      const answer = await ask(url, "/sessions", { call_id: "call" });
      if (answer.status !== 201) refusal = answer;
      else {
        await close(t, url, answer.body.session_id);
        closed.push(answer.body.session_id);
      }
    }
    t.deepEqual([refusal?.status, refusal?.body.code], [503, "REGISTRY_UNAVAILABLE"]);
    await server.logged(
      /is on a disk that is full; calls go on, starts are refused until it can be written to$/,
    );
    t.is((await ask(url, "/ready")).status, 400);
    t.is((await ask(url, "/health")).status, 200);
    t.is((await ask(url, `/sessions/${lives}`)).status, 200);
    disk.free();
    await eventually("it is ready again", async () => (await ask(url, "/ready")).status === 200);
    await close(t, url, lives);
    await allTold(t, receiver, new Map([lives, ...closed].map((id) => [id, "closed"])));
  },
);
