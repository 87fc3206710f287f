import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type ExecutionContext } from "ava";
import { Webhook as Verifier } from "standardwebhooks";
import { SessionMetrics } from "../../src/metrics/session-metrics.ts";
import { GreenroomError } from "../../src/shared/errors.ts";
import { now } from "../../src/shared/protocol.ts";
import { sessionEndedMessage, sessionEndedMessageId } from "../../src/supervisor/webhook/session-ended.ts";
import { Webhook, type WebhookMessage, type WebhookOptions } from "../../src/supervisor/webhook/webhook.ts";
import { eventually } from "../fixtures/eventually.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const message: WebhookMessage = {
  type: "session.ended",
  timestamp: "2025-01-02T03:04:05.678Z",
  data: { session_id: "s1" },
};

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

type Answer = (response: ServerResponse, index: number, request: IncomingMessage) => void;

/** A receiver on a port of its own, which keeps what it gets and answers as it is told. */
async function receiver(t: ExecutionContext, answer: Answer) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    received.push({
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      at: performance.now(),
    });
    answer(response, received.length - 1, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, received };
}

function webhook(url: string, options: Partial<WebhookOptions> = {}) {
  const outcomes: string[] = [];
  const hook = new Webhook({ url, secret, firstBackoffMs: 1, longestBackoffMs: 20, ...options });
  const body = JSON.stringify(message);
  const send = (id = "msg_s1", since = now()) =>
    hook.send({ id, body, since }, (outcome) => outcomes.push(outcome));
  return { hook, outcomes, send };
}

function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end();
}

function verify({ body, headers }: Received, key = secret): unknown {
  return new Verifier(key).verify(body, headers as Record<string, string>);
}

test("a message is signed so that an independent receiver verifies it", async (t) => {
  const { url, received } = await receiver(t, status(204));
  const { hook, outcomes, send } = webhook(url);
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
  t.is(received.length, 1);
  t.deepEqual(verify(received[0]!), message);
  t.is(received[0]!.headers["webhook-id"], "msg_s1");
  t.is(received[0]!.headers["content-type"], "application/json");
  t.throws(() => verify({ ...received[0]!, body: received[0]!.body.replace("s1", "s2") }));
});

test("two secrets sign, so that a receiver may know either", async (t) => {
  const { url, received } = await receiver(t, status(200));
  const next = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
  const { hook, send } = webhook(url, { secret: `${secret} ${next}` });
  send();
  await hook.flush(20_000);
  t.deepEqual(verify(received[0]!, secret), message);
  t.deepEqual(verify(received[0]!, next), message);
  t.throws(() => verify(received[0]!, `whsec_${Buffer.alloc(24, 1).toString("base64")}`));
});

test("it tries again after 408, 429 and 5xx with the same id and body", async (t) => {
  const codes = [500, 429, 408, 503, 200];
  const { url, received } = await receiver(t, (response, index) =>
    response.writeHead(codes[index] ?? 200).end(),
  );
  const { hook, outcomes, send } = webhook(url);
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
  t.is(received.length, codes.length);
  t.is(new Set(received.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size, 1);
  for (const each of received) t.deepEqual(verify(each), message);
});

test("it gives up when the end is a day old, and not before", async (t) => {
  const { url, received } = await receiver(t, status(500));
  const many = Promise.withResolvers<void>();
  const { hook, outcomes, send } = webhook(url);
  const day = 24 * 60 * 60 * 1_000;
  send("msg_old", now() - day - 1_000);
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["failed"]);
  t.is(received.length, 1);

  const patient = await receiver(t, (response, index) => {
    response.writeHead(500).end();
    if (index === 30) many.resolve();
  });
  const another = webhook(patient.url);
  another.send("msg_young", now() - day + 3_600_000);
  await many.promise;
  t.deepEqual(another.outcomes, []);
  t.is(another.hook.stop().length, 1);
});

test("it tries again after a connection that breaks, and one that nobody takes", async (t) => {
  const { url, received } = await receiver(t, (response, index) => {
    if (index === 0) response.destroy();
    else response.writeHead(200).end();
  });
  const { hook, outcomes, send } = webhook(url);
  send();
  await hook.flush(20_000);
  t.deepEqual(outcomes, ["delivered"]);
  t.is(received.length, 2);

  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const nobody = webhook(`http://127.0.0.1:${port}/`, { giveUpAfterMs: 0 });
  nobody.send();
  await nobody.hook.flush(20_000);
  t.deepEqual(nobody.outcomes, ["failed"]);
});

test("an attempt that gets no answer ends, and another follows", async (t) => {
  const { url, received } = await receiver(t, (response, index) => {
    if (index > 0) response.writeHead(200).end();
  });
  const { hook, outcomes, send } = webhook(url, { attemptTimeoutMs: 200 });
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
  t.true(received.length >= 2);
});

test("an answer whose body never ends counts by its status", async (t) => {
  const { url } = await receiver(t, (response) => response.writeHead(200).write("…"));
  const { hook, outcomes, send } = webhook(url);
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
});

test("Retry-After is honoured, within bounds", async (t) => {
  const { url, received } = await receiver(t, (response, index) =>
    response.writeHead(index === 0 ? 503 : 200, { "retry-after": "3600" }).end(),
  );
  const { hook, outcomes, send } = webhook(url, { longestBackoffMs: 300 });
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
  // 1 ms of back-off would have been enough without it; timers may be a millisecond early.
  t.true(received[1]!.at - received[0]!.at >= 290);
});

test("other refusals and redirects are tried again: a receiver may be in the middle of a deployment", async (t) => {
  const codes = [400, 401, 404, 422, 301, 307, 200];
  const { url, received } = await receiver(t, (response, index) =>
    response.writeHead(codes[index] ?? 200, { location: "/elsewhere" }).end(),
  );
  const { hook, outcomes, send } = webhook(url);
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["delivered"]);
  t.is(received.length, codes.length);
});

test("after 410 nothing more is sent", async (t) => {
  const { url, received } = await receiver(t, status(410));
  const { hook, outcomes, send } = webhook(url, { concurrency: 1 });
  for (let index = 0; index < 3; index += 1) send();
  t.true(await hook.flush(20_000));
  send();
  t.true(await hook.flush(20_000));
  t.deepEqual(outcomes, ["gone", "gone", "gone", "gone"]);
  t.is(received.length, 1);
});

test("the queue is bounded and so is what is sent at the same time", async (t) => {
  const open: ServerResponse[] = [];
  const four = Promise.withResolvers<void>();
  const { url, received } = await receiver(t, (response) => {
    if (received.length <= 4) open.push(response);
    else response.writeHead(200).end();
    if (received.length === 4) four.resolve();
  });
  const { hook, outcomes, send } = webhook(url, { queueLimit: 10 });
  for (let index = 0; index < 12; index += 1) send();
  t.deepEqual(outcomes, ["dropped", "dropped"]);
  t.is(hook.pending, 10);
  await four.promise;
  t.is(received.length, 4);
  for (const response of open) response.writeHead(200).end();
  t.true(await hook.flush(20_000));
  t.is(outcomes.filter((outcome) => outcome === "delivered").length, 10);
  t.is(hook.pending, 0);
});

test("a message that waits for its next attempt does not keep others from being sent", async (t) => {
  const { url } = await receiver(t, (response, _index, request) =>
    response.writeHead(request.headers["webhook-id"] === "msg_bad" ? 500 : 200).end(),
  );
  const first = Promise.withResolvers<string>();
  const { hook } = webhook(url, {
    concurrency: 1,
    firstBackoffMs: 600_000,
    longestBackoffMs: 600_000,
  });
  const send = (id: string) => hook.send({ id, body: "{}", since: now() }, first.resolve);
  send("msg_bad");
  send("msg_good");
  t.is(await first.promise, "delivered");
  t.is(hook.pending, 1);
  t.false(await hook.flush(0));
});

test("once a receiver that was away takes a message, those that wait are sent at once", async (t) => {
  let away = true;
  const { url, received } = await receiver(t, (response) => response.writeHead(away ? 503 : 200).end());
  const patient = { firstBackoffMs: 600_000, longestBackoffMs: 600_000, concurrency: 2 };
  const { hook, outcomes, send } = webhook(url, patient);
  for (let index = 0; index < 10; index += 1) send(`msg_${index}`);
  await eventually("all have failed once", () => received.length === 10);
  away = false;
  send("msg_new");
  t.true(await hook.flush(20_000));
  t.is(outcomes.filter((outcome) => outcome === "delivered").length, 11);
  t.is(received.length, 21);
});

test("flush may wait only until each message was tried", async (t) => {
  const { url, received } = await receiver(t, status(503));
  const { hook, outcomes, send } = webhook(url, { firstBackoffMs: 600_000, longestBackoffMs: 600_000 });
  for (let index = 0; index < 6; index += 1) send(`msg_${index}`);
  t.false(await hook.flush(600_000, { tried: true }));
  t.is(received.length, 6);
  t.deepEqual(outcomes, []);
  t.is(hook.stop().length, 6);
});

test("flush gives up in time, and stop returns what is left, without an outcome", async (t) => {
  const { url } = await receiver(t, () => undefined);
  const { hook, outcomes, send } = webhook(url);
  send("msg_a");
  send("msg_b");
  t.false(await hook.flush(30));
  t.deepEqual(
    hook.stop().map(({ id, body }) => [id, body]),
    [
      ["msg_a", JSON.stringify(message)],
      ["msg_b", JSON.stringify(message)],
    ],
  );
  t.deepEqual(outcomes, []);
  t.is(hook.pending, 0);
  t.true(await hook.flush(0));
});

test("wrong options are refused by name, and the secret is not repeated", (t) => {
  for (const url of ["", "not a url", "ftp://127.0.0.1/", "http://user:word@127.0.0.1/"]) {
    const error = t.throws(() => new Webhook({ url, secret }));
    t.true(GreenroomError.is(error) && error.code === "INVALID_OPTIONS", url);
  }
  for (const bad of [
    "",
    "  ",
    "plain-secret-plain-secret",
    "whsec_c2hvcnQ=",
    "whsec_%%%",
    `${secret} other`,
  ]) {
    const error = t.throws(() => new Webhook({ url: "http://127.0.0.1/", secret: bad }));
    t.true(GreenroomError.is(error) && error.code === "INVALID_OPTIONS", bad);
    t.false(bad.trim() !== "" && error!.message.includes(bad));
  }
});

test("session.ended tells how a session went, in snake_case", (t) => {
  const metrics = new SessionMetrics();
  metrics.record({
    kind: "tts",
    provider: "local",
    model: "v1",
    latencyMs: 5,
    audioDurationMs: 20,
    characters: 3,
  });
  const { type, timestamp, data } = sessionEndedMessage({
    sessionId: "0a-1",
    callId: "c1",
    callType: "default",
    createdBy: null,
    endReason: "failed",
    closeRequestedBy: null,
    error: { name: "TypeError", message: "it broke", stack: "at secret place" },
    startedAt: new Date(1_000),
    endedAt: new Date(3_500),
    durationMs: 2_500,
    metrics: metrics.snapshot(),
    usage: metrics.usage,
    transcript: [{ role: "user", participantId: "p", text: "Hi", at: 2_000 }],
  });
  t.is(type, "session.ended");
  t.is(timestamp, "1970-01-01T00:00:03.500Z");
  t.like(data, {
    session_id: "0a-1",
    call_id: "c1",
    call_type: "default",
    end_reason: "failed",
    close_requested_by: null,
    error: { name: "TypeError", message: "it broke", code: null },
    session_started_at: "1970-01-01T00:00:01.000Z",
    session_ended_at: "1970-01-01T00:00:03.500Z",
    duration_ms: 2_500,
    usage: [{ component: "tts", provider: "local", model: "v1", characters: 3, audio_duration_ms: 20 }],
    transcript: [{ role: "user", participant_id: "p", text: "Hi", at: "1970-01-01T00:00:02.000Z" }],
  });
  t.is((data.metrics as Record<string, unknown>).tts_characters__total, 3);
  t.false(JSON.stringify(data).includes("secret place"));
  t.is(sessionEndedMessageId("0a-1"), "msg_0a-1");
});
