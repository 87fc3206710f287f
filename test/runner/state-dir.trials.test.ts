import { join } from "node:path";
import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";
import { ask, startSession } from "../fixtures/runner/rest.ts";
import { allTold, close, serving } from "../fixtures/runner/state-dir.ts";
import { WebhookReceiver } from "../fixtures/supervisor/webhook-receiver.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const waiting = async (url: string) =>
  Number(/^greenroom_session_ends_waiting (\d+)$/m.exec((await ask(url, "/metrics")).body)?.[1]);

test.serial(
  "kill -9 with live sessions and untold ends: after the next start each end is told, with one content",
  async (t) => {
    const receiver = await WebhookReceiver.open(t);
    receiver.mood = 503;
    const stateDir = join(temporaryFolder(t), "state");
    const expected = new Map<string, string>();
    let server = serving(t, receiver, stateDir);
    let url = await server.readyUrl();
    const closed = await startSession(url);
    expected.set(closed, "closed");
    expected.set(await startSession(url), "lost");
    await close(t, url, closed);
    await eventually("its end is written", async () => (await waiting(url)) === 1);
    server.kill("SIGKILL");
    await server.exit;
    server = serving(t, receiver, stateDir);
    url = await server.readyUrl();
    const line = await server.logged("replica_dead");
    t.is(line.sessions, 1);
    t.is(receiver.taken.size, 0);
    for (const [id, reason] of expected) {
      const { status, body } = await ask(url, `/sessions/${id}`);
      t.deepEqual([status, body.end_reason], [404, reason]);
    }
    receiver.mood = 204;
    const last = await startSession(url);
    await close(t, url, last);
    expected.set(last, "closed");
    await allTold(t, receiver, expected);
    await eventually("nothing waits", async () => (await waiting(url)) === 0);
    for (const [message, bodies] of receiver.taken) t.is(new Set(bodies).size, 1, message);
  },
);

longForm("SIGTERM while the receiver is down: the next start tells the ends", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  receiver.mood = 503;
  const stateDir = temporaryFolder(t);
  const first = serving(t, receiver, stateDir);
  const url = await first.readyUrl();
  const drained = await startSession(url);
  const closed = await startSession(url);
  await close(t, url, closed);
  first.kill("SIGTERM");
  t.deepEqual(await first.exit, { code: 0, signal: null });
  await first.logged("session_ends_left");
  t.is(receiver.taken.size, 0);
  receiver.mood = 204;
  const second = serving(t, receiver, stateDir);
  await second.readyUrl();
  await allTold(
    t,
    receiver,
    new Map([
      [drained, "drained"],
      [closed, "closed"],
    ]),
  );
  t.false(second.log.some(({ event }) => event === "replica_dead" || event === "session_ends_unkept"));
});

test.serial(
  "a folder that another process has, or that is none, ends the start with one sentence",
  async (t) => {
    const receiver = await WebhookReceiver.open(t);
    const stateDir = temporaryFolder(t);
    const first = serving(t, receiver, stateDir);
    const url = await first.readyUrl();
    const second = serving(t, receiver, stateDir);
    t.is((await second.exit).code, 1);
    const why = `is in use by the process ${first.process.pid}: each process needs a folder of its own`;
    const sentence = `The server cannot start: The registry of sessions cannot be reached: The state folder ${stateDir} (stateDir, --state-dir) ${why}`;
    t.deepEqual(
      second.log.filter(({ level }) => Number(level) >= 40).map(({ level, msg }) => [level, msg]),
      [[60, sentence]],
    );
    t.false(second.log.some(({ msg }) => /is ready/.test(msg)));
    t.is((await ask(url, "/ready")).status, 200);
    const none = serving(t, receiver, "/dev/null");
    t.is((await none.exit).code, 1);
    t.regex(
      none.log.find(({ level }) => level === 60)?.msg ?? "",
      /The state folder \/dev\/null .* is no folder, or/,
    );
  },
);
