import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, apiKey, HttpError, jwt } from "greenroom";
import { SignJWT } from "jose";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { createApp } from "../../../src/control-plane/app.ts";
import { streamEvents } from "../../../src/control-plane/events/event-stream.ts";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { EventLog } from "../../../src/supervisor/session/event-log.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { listen, openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const word = (text: string) =>
  ({
    type: "transcript",
    at: 0,
    role: "agent",
    turnId: "t",
    participantId: "a",
    final: false,
    delta: text,
  }) as const;

test("a session from its first event to its last", async (t) => {
  const { url, ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start();
  const reader = await EventReader.open(t, `${url}/sessions/${session_id}/events`);
  t.is(reader.response.status, 200);
  t.is(reader.response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  t.is(reader.response.headers.get("cache-control"), "no-cache, no-transform");
  t.is(reader.response.headers.get("x-accel-buffering"), "no");
  const joining = await reader.until(({ data }) => data.state === "live");
  t.deepEqual(
    joining.map(({ id, event, data }) => [id, event, data.state]),
    [
      [1, "state", "starting"],
      [2, "state", "joining"],
      [3, "state", "live"],
    ],
  );
  const { body: sent } = await ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } });
  const turn = await reader.until(({ event }) => event === "turn");
  const heard = turn.find(({ data }) => data.role === "user")!;
  t.is(heard.data.text, "hello");
  t.is(heard.data.message_id, sent.message_id);
  const said = turn.filter(({ data }) => data.role === "agent");
  t.is(said.at(-1)!.data.final, true);
  t.is(
    said
      .filter(({ data }) => !data.final)
      .map(({ data }) => data.delta)
      .join("")
      .trim(),
    said.at(-1)!.data.text.trim(),
  );
  const { data: done } = turn.at(-1)!;
  t.is(done.outcome, "done");
  t.is(done.turn_id, heard.data.turn_id);
  t.is(typeof done.duration_ms, "number");
  // What is typed has no sound to wait for.
  t.is(done.latency, null);
  t.false(done.eager);
  t.regex(done.at, /^\d{4}-.*Z$/);
  await ask(`/sessions/${session_id}`, { method: "DELETE" });
  const last = await reader.rest();
  t.is(last.at(-1)!.event, "end");
  t.is(last.at(-1)!.data.reason, "closed");
  const metrics = last.find(({ event }) => event === "metrics")!;
  t.is(metrics.data.metrics.llm_tool_calls__total, 0);
  t.true(metrics.data.metrics.llm_output_tokens__total > 0);
});

test("who comes back gets what they missed, also after the end", async (t) => {
  const { url, ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start();
  const path = `${url}/sessions/${session_id}/events`;
  const first = await EventReader.open(t, path);
  await first.until(({ data }) => data.state === "live");
  await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
  const all = await (await EventReader.open(t, path)).rest();
  t.deepEqual(
    all.map(({ id }) => id),
    all.map((_, index) => index + 1),
  );
  t.is(all.at(-1)!.event, "end");
  const byHeader = await (await EventReader.open(t, path, { "last-event-id": "2" })).rest();
  t.deepEqual(byHeader, all.slice(2));
  const byQuery = await (await EventReader.open(t, `${path}?last_event_id=3`)).rest();
  t.deepEqual(byQuery, all.slice(3));
  const both = await (await EventReader.open(t, `${path}?last_event_id=1`, { "last-event-id": "4" })).rest();
  t.deepEqual(both, all.slice(4));
  const unknown = await (await EventReader.open(t, path, { "last-event-id": "999" })).rest();
  t.is(unknown[0]!.event, "gap");
  t.deepEqual(unknown.slice(1), all);
});

test("an id that cannot be one is refused", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start();
  const path = `/sessions/${session_id}/events`;
  t.is((await ask(path, { headers: { "last-event-id": "x" } })).status, 422);
  t.is((await ask(`${path}?last_event_id=-1`)).status, 422);
});

test("a hole in what is kept is told as gap", async (t) => {
  const log = new EventLog();
  for (let i = 0; i < 2_000; i += 1) log.append(word("x"));
  log.append({ type: "end", at: 0, reason: "closed", error: null });
  const { url } = await listenTo(t, log, 5);
  const events = await (await EventReader.open(t, url)).rest();
  t.is(events[0]!.id, null);
  t.deepEqual(events[0]!.data, { type: "gap", last_event_id: 5, next_event_id: events[1]!.id });
  t.is(events.at(-1)!.id, 2_001);
});

test("a comment is sent now and then, so that nobody takes the stream for dead", async (t) => {
  const { url, start } = await openServer(t, t.context.launcher, { eventCommentIntervalMs: 10 });
  const { session_id } = await start();
  const reader = await EventReader.open(t, `${url}/sessions/${session_id}/events`);
  await reader.comment();
  t.deepEqual(reader.comments, [":"]);
});

test("HEAD opens no stream", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, { maxEventStreams: 1 });
  const { session_id } = await start();
  for (let i = 0; i < 3; i += 1) {
    const { status, headers } = await ask(`/sessions/${session_id}/events`, { method: "HEAD" });
    t.is(status, 200);
    t.is(headers.get("content-type"), "text/event-stream; charset=utf-8");
  }
});

test("a caller may hold so many streams, and has the place back when one is over", async (t) => {
  const { url, ask, start } = await openServer(t, t.context.launcher, { maxEventStreams: 1 });
  const one = await start();
  const other = await start();
  const path = (id: string) => `/sessions/${id}/events`;
  const reader = await EventReader.open(t, url + path(one.session_id));
  await reader.next();
  const refused = await ask(path(other.session_id));
  t.is(refused.status, 429);
  t.is(refused.body.detail, "Too many requests: open event streams");
  t.is(refused.headers.get("content-type"), "application/json; charset=utf-8");
  t.truthy(refused.headers.get("retry-after"));
  await ask(`/sessions/${one.session_id}`, { method: "DELETE" });
  await reader.rest();
  let next = await EventReader.open(t, url + path(other.session_id));
  while (next.response.status === 429) next = await EventReader.open(t, url + path(other.session_id));
  t.is(next.response.status, 200);
});

test("what is deferred runs when the stream is over, also when the reader leaves", async (t) => {
  const released = Promise.withResolvers<void>();
  let open = false;
  const { url, start } = await openServer(t, t.context.launcher, {
    canViewSession: ({ path, defer }) => {
      if (!path.endsWith("/events")) return;
      open = true;
      defer(() => {
        open = false;
        released.resolve();
      });
    },
  });
  const { session_id } = await start();
  const leave = new AbortController();
  const response = await fetch(`${url}/sessions/${session_id}/events`, { signal: leave.signal });
  await new EventReader(response).next();
  t.true(open);
  leave.abort();
  await released.promise;
  t.false(open);
});

test("a reader that leaves before it may listen leaves nothing behind", async (t) => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const app = await createApp(
    t.context.launcher,
    fillServeOptions({
      canViewSession: async ({ defer }) => {
        defer(() => released.resolve());
        asked.resolve();
        await gone.promise;
      },
    }),
  );
  const { url, start } = await listen(t, (request, response) => {
    if (request.method === "GET") response.once("close", () => gone.resolve());
    void app.callback()(request, response);
  });
  const { session_id } = await start();
  const leave = new AbortController();
  const reading = fetch(`${url}/sessions/${session_id}/events`, { signal: leave.signal });
  await asked.promise;
  leave.abort();
  await t.throwsAsync(reading);
  await released.promise;
  t.is(t.context.launcher.getSession(session_id)?.endReason, null);
});

test("a reader that falls behind is cut off; one beside it is not", async (t) => {
  const log = new EventLog();
  const { port, url, ends } = await listenTo(t, log, 0);
  const slow = connect(port, "127.0.0.1");
  t.teardown(() => slow.destroy());
  slow.on("error", () => undefined);
  await once(slow, "connect");
  slow.pause();
  slow.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const quick = await EventReader.open(t, url);
  const quickReads = quick.rest();
  const pour = setInterval(() => log.append(word("x".repeat(100_000))), 1);
  t.teardown(() => clearInterval(pour));
  t.is(await ends.next(), "slow");
  clearInterval(pour);
  log.append({ type: "end", at: 0, reason: "finished", error: null });
  t.is((await quickReads).at(-1)!.event, "end");
});

test("what is sent again may be more than the buffer", async (t) => {
  const log = new EventLog();
  for (let i = 0; i < 40; i += 1) log.append(word("x".repeat(10_000)));
  const { url } = await listenTo(t, log, 0);
  const reader = await EventReader.open(t, url);
  const events = reader.rest();
  log.append({ type: "end", at: 0, reason: "finished", error: null });
  t.is((await events).length, 41);
});

test("a shutdown leaves streams open: each ends with its session, also one that was opened meanwhile", async (t) => {
  const launcher = await startLauncher();
  t.teardown(() => launcher.stop());
  const { url, ask, start } = await openServer(t, launcher);
  const finishing = await start();
  const staying = await start();
  const path = ({ session_id }: { session_id: string }) => `/sessions/${session_id}`;
  const open = (session: { session_id: string }) => EventReader.open(t, `${url}${path(session)}/events`);
  const early = [await open(finishing), await open(staying)] as const;
  for (const reader of early) await reader.until(({ data }) => data.state === "live");
  const supervisor = await supervisorOf(launcher);

  supervisor.announceDrain();
  const late = await start();
  const announced = await open(late);
  await announced.until(({ data }) => data.state === "live");
  await ask(`${path(finishing)}/messages`, { json: { text: "hello" } });
  await early[0].until(({ event }) => event === "turn");

  const hurry = new AbortController();
  const drained = supervisor.drain({ timeoutMs: 60_000, signal: hurry.signal });
  const draining = await open(staying);
  t.is(draining.response.headers.get("connection"), "close");
  await draining.until(({ data }) => data.state === "live");
  await ask(path(finishing), { method: "DELETE" });
  t.like((await early[0].rest()).at(-1), { event: "end", data: { reason: "closed", error: null } });

  hurry.abort();
  for (const reader of [early[1], announced, draining]) {
    t.like((await reader.rest()).at(-1), { event: "end", data: { reason: "drained" } });
  }
  await drained;
});

test("who comes back after the end is told to stay away", async (t) => {
  const { url, ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start();
  const path = `/sessions/${session_id}/events`;
  const reader = await EventReader.open(t, url + path);
  await reader.until(({ data }) => data.state === "live");
  await ask(`/sessions/${session_id}`, { method: "DELETE" });
  const { id } = (await reader.rest()).at(-1)!;
  const again = await ask(path, { headers: { "last-event-id": String(id) } });
  t.deepEqual([again.status, again.text], [204, ""]);
});

test("a stream that outlives all sessions ends when the server has stopped", async (t) => {
  const log = new EventLog();
  log.append({ type: "state", at: 0, state: "starting" });
  const stop = new AbortController();
  const { url, ends } = await listenTo(t, log, 0, stop.signal);
  const reader = await EventReader.open(t, url);
  await reader.next();
  stop.abort();
  t.deepEqual(await reader.rest(), []);
  t.is(await ends.next(), "stopped");
});

test("a stream ends once its key is revoked, and whoever comes back is refused", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys");
  writeFileSync(file, "ann:aaaaaaaaaaaaaaaa\nbob:bbbbbbbbbbbbbbbb\n");
  const { url, ask } = await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ file }) });
  const headers = { "X-API-Key": "aaaaaaaaaaaaaaaa" };
  const { body } = await ask("/sessions", { json: { call_id: "c" }, headers });
  const events = `${url}/sessions/${body.session_id}/events`;
  const reader = await EventReader.open(t, events, headers);
  await reader.until(({ data }) => data.state === "live");
  const other = await EventReader.open(t, events, { "X-API-Key": "bbbbbbbbbbbbbbbb" });
  writeFileSync(file, "bob:bbbbbbbbbbbbbbbb\n");
  t.false((await reader.rest()).some(({ event }) => event === "end"));
  t.true(reader.comments.some((comment) => /may not follow this session any more/.test(comment)));
  t.is((await fetch(events, { headers })).status, 401);
  await ask(`/sessions/${body.session_id}`, {
    method: "DELETE",
    headers: { "X-API-Key": "bbbbbbbbbbbbbbbb" },
  });
  await other.until(({ event }) => event === "end");
});

test("a stream ends once the token of its caller has expired", async (t) => {
  const secret = "a secret of at least 32 characters";
  const { url, start } = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ secret }) });
  const sign = (expiresInSeconds: number) =>
    new SignJWT({ sub: "ann", exp: Math.floor(Date.now() / 1_000) + expiresInSeconds })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(secret));
  const { session_id } = await start({}, { authorization: `Bearer ${await sign(600)}` });
  const headers = { authorization: `Bearer ${await sign(2)}` };
  const reader = await EventReader.open(t, `${url}/sessions/${session_id}/events`, headers);
  t.is(reader.response.status, 200);
  t.false((await reader.rest()).some(({ event }) => event === "end"));
  t.is((await fetch(`${url}/sessions/${session_id}/events`, { headers })).status, 401);
});

test("a judgement that fails ends no stream, one that denies does, and both give back what they took", async (t) => {
  const judged: (() => void)[] = [];
  let open = 0;
  let denial: Error | null = null;
  const { url, start } = await openServer(t, t.context.launcher, {
    canViewSession: ({ defer }) => {
      open += 1;
      defer(() => {
        open -= 1;
        for (const wake of judged.splice(0)) wake();
      });
      if (denial) throw denial;
    },
  });
  const judgement = () => new Promise<void>((resolve) => judged.push(resolve));
  const { session_id } = await start();
  const reader = await EventReader.open(t, `${url}/sessions/${session_id}/events`);
  await reader.until(({ data }) => data.state === "live");
  await judgement();
  denial = new Error("the database is away");
  await judgement();
  await judgement();
  denial = new HttpError(403, "no more");
  t.deepEqual(await reader.rest(), []);
  // The scope of the stream itself is released when it is over.
  await eventually("all is given back", () => open === 0);
});

/** Serves the events of a log, without a session. */
async function listenTo(
  t: Parameters<typeof listen>[0],
  log: EventLog,
  afterId: number,
  stopped = new AbortController().signal,
) {
  const ended: string[] = [];
  const waiting: ((end: string) => void)[] = [];
  const { url, port } = await listen(t, async (_request, response) => {
    const denied = new AbortController().signal;
    const options = { eventCommentIntervalMs: 60_000, eventBufferBytes: 262_144, errors: "whole" } as const;
    const end = await streamEvents(response, log, afterId, options, { stopped, denied });
    const wait = waiting.shift();
    if (wait) wait(end);
    else ended.push(end);
  });
  const next = () =>
    new Promise<string>((resolve) => {
      const end = ended.shift();
      if (end === undefined) waiting.push(resolve);
      else resolve(end);
    });
  return { url, port, ends: { next } };
}
