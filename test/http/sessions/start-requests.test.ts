import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncher, JsonValue } from "greenroom";
import { LocalKeys, mostKept, mostKeptOfOne } from "../../../src/registry/local-keys.ts";
import { type Answer, openServer, type Request, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Every start is denied, so that a body that is right is told from one that is wrong without starting anything. */
const right = 403;

async function asker(t: ExecutionContext<{ launcher: AgentLauncher }>) {
  const { ask } = await openServer(t, t.context.launcher, { canStartSession: () => false });
  return (request: Request): Promise<Answer> =>
    ask("/sessions", {
      method: "POST",
      ...request,
      headers: { "content-type": "application/json", ...request.headers },
    });
}

const good = '{"call_id":"c"}';

test("application/json in UTF-8 is taken, however it is spelt", async (t) => {
  const ask = await asker(t);
  for (const type of [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/json; charset=utf8",
    "application/json; boundary=x",
  ]) {
    t.is((await ask({ body: good, headers: { "content-type": type } })).status, right, type);
  }
  t.is((await ask({ body: `\ufeff${good}` })).status, right);
  t.is((await ask({ body: '{"call_id":"first","call_id":"c"}' })).status, right);
});

test("other types and charsets are not: 415", async (t) => {
  const ask = await asker(t);
  for (const type of [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=foo",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    "application/jsonp",
    "application/vnd.api+json",
    "json",
    "application/",
    ";",
  ]) {
    const { status, body } = await ask({ body: good, headers: { "content-type": type } });
    t.is(status, 415, type);
    t.is(body.code, "UNSUPPORTED_MEDIA_TYPE");
  }
});

test("compressed bodies are taken, and what they hide is bounded", async (t) => {
  const ask = await asker(t);
  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ] as const) {
    const headers = { "content-encoding": encoding };
    t.is((await ask({ body: compress(good), headers })).status, right, encoding);
    t.is((await ask({ body: compress(Buffer.alloc(50_000_000, "x")), headers })).status, 413);
    const malformed = await ask({ body: "this is not compressed", headers });
    t.is(malformed.status, 400, encoding);
    t.deepEqual(malformed.body, { detail: "The request body cannot be read", code: "BAD_REQUEST" });
    t.is((await ask({ body: compress(good).subarray(0, 10), headers })).status, 400, encoding);
  }
  const unknown = await ask({ body: good, headers: { "content-encoding": "zstd" } });
  t.is(unknown.status, 415);
  t.is(unknown.headers.get("accept-encoding"), "gzip, deflate, br");
});

test("a bomb that ends in garbage is refused, and nothing else happens", async (t) => {
  const ask = await asker(t);
  const garbage = Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9]);
  const noise = gzipSync(randomBytes(200_000));
  noise.fill(7, 100_000);
  for (let i = 0; i < 10; i += 1) {
    for (const body of [Buffer.concat([gzipSync(Buffer.alloc(66_000)), garbage]), noise]) {
      const { status } = await ask({ body, headers: { "content-encoding": "gzip" } });
      t.true(status === 413 || status === 400);
    }
  }
});

test("64 KiB are taken, one byte more is not, also in chunks", async (t) => {
  const ask = await asker(t);
  const sized = (bytes: number) => `{"call_id":"c","x":"${"y".repeat(bytes - 22)}"}`;
  const chunked = (text: string) => new Blob([text]).stream();
  t.is(Buffer.byteLength(sized(65_536)), 65_536);
  t.is((await ask({ body: sized(65_536) })).status, right);
  t.is((await ask({ body: chunked(sized(65_536)) })).status, right);
  for (const body of [sized(65_537), chunked(sized(65_537)), chunked(sized(500_000)), sized(500_000)]) {
    const { status, headers, body: problem } = await ask({ body });
    t.is(status, 413);
    t.deepEqual(problem, { detail: "The request body is larger than 65536 bytes", code: "BODY_TOO_LARGE" });
    t.is(headers.get("content-type"), "application/json; charset=utf-8");
  }
});

test("a client that goes on sending after it was refused is cut off", async (t) => {
  const { port } = await openServer(t, t.context.launcher);
  const socket = connect(port, "127.0.0.1");
  t.teardown(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(
    "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const pour = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", pour);
  pour();
  await new Promise((resolve) => socket.once("close", resolve));
  t.pass();
});

test("JSON that is no JSON, or that nobody should take apart: 422", async (t) => {
  const ask = await asker(t);
  const deep = (levels: number) => `{"call_id":"c","config":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
  t.is((await ask({ body: deep(50) })).status, right);
  for (const [name, body] of Object.entries({
    brace: "{",
    tail: `${good}x`,
    nan: '{"call_id":NaN}',
    comment: `/**/${good}`,
    "invalid UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    "overlong UTF-8": Buffer.from('{"call_id":"\xc0\xaf"}', "latin1"),
    "UTF-16": Buffer.from(good, "utf16le"),
    "a surrogate in UTF-8": Buffer.from('{"call_id":"\xed\xa0\x80"}', "latin1"),
    __proto__: '{"call_id":"c","config":{"__proto__":{"admin":true}}}',
    "an escaped __proto__": '{"call_id":"c","config":[{"\\u005f_proto__":1}]}',
    "65 levels": deep(65),
    "10,000 levels": deep(10_000),
    "30,000 arrays": "[".repeat(30_000) + "]".repeat(30_000),
    "30,000 open arrays": "[".repeat(30_000),
  })) {
    const { status, body: problem } = await ask({ body });
    t.is(status, 422, name);
    t.is(problem.detail[0].type, "json_invalid");
  }
});

test("numbers, surrogates and keys of every kind do no harm", async (t) => {
  const ask = await asker(t);
  for (const config of [
    '{"a":1e999,"b":-0,"c":123456789012345678901234567890}',
    '{"a":"\\ud800","\\udfff":"\\u0000"}',
    '{"constructor":{"prototype":{"x":1}},"toString":1,"length":-1,"then":1}',
  ]) {
    t.is((await ask({ body: `{"call_id":"c","config":${config}}` })).status, right);
  }
  const { status } = await ask({ body: '{"call_id":"c","config":{"then":"x","__proto__x":1}}' });
  t.is(status, right);
});

test("a body that breaks off is nobody's 500", async (t) => {
  const { port } = await openServer(t, t.context.launcher);
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.end(
    'POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"call_id"',
  );
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(socket, "close");
  t.notRegex(text, /^HTTP\/1.1 5/);
});

const withKey = (key: string, json: JsonValue, user?: string) => ({
  json,
  headers: { "idempotency-key": key, ...(user === undefined ? {} : { "x-user": user }) },
});

test("the same key with the same body gets the first answer again", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const first = await ask("/sessions", withKey("again", { call_id: "c", config: { a: 1, b: 2 } }));
  const second = await ask(
    "/sessions",
    withKey("again", { config: { b: 2, a: 1 }, call_id: "c", call_type: "default" }),
  );
  t.is(second.status, 201);
  t.deepEqual(second.body, first.body);
  t.is(first.headers.get("idempotency-replayed"), null);
  t.is(second.headers.get("idempotency-replayed"), "true");
  const inCall = await ask("/calls/c/sessions", withKey("again", { config: { a: 1, b: 2 } }));
  t.deepEqual(inCall.body, first.body);
});

test("requests at the same time start one session", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask("/sessions", withKey("together", { call_id: "together" }))),
  );
  t.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 201, 201, 201],
  );
  t.is(new Set(answers.map(({ body }) => body.session_id)).size, 1);
  t.is((await ask("/sessions?call_id=together")).body.sessions.length, 1);
});

test("the same key with another body is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  await ask("/sessions", withKey("other", { call_id: "one" }));
  const { status, body } = await ask("/sessions", withKey("other", { call_id: "two" }));
  t.is(status, 422);
  t.is(body.code, "IDEMPOTENCY_MISMATCH");
});

test("a failed start is forgotten", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const failing = { call_id: "fails", config: { course: "create-throws" } };
  t.is((await ask("/sessions", withKey("failed", failing))).status, 500);
  t.is((await ask("/sessions", withKey("failed", { call_id: "works" }))).status, 201);
});

test("a key belongs to its caller", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user"),
  });
  const body = { call_id: "shared" };
  const ann = await ask("/sessions", withKey("key", body, "ann"));
  const bob = await ask("/sessions", withKey("key", body, "bob"));
  const annAgain = await ask("/sessions", withKey("key", body, "ann"));
  t.not(ann.body.session_id, bob.body.session_id);
  t.is(ann.body.session_id, annAgain.body.session_id);
});

test("a claim that changes with every token makes no other caller", async (t) => {
  let issuedAt = 0;
  const { ask } = await openServer(t, t.context.launcher, {
    getCurrentUser: () => ({ sub: "ann", iat: ++issuedAt }),
  });
  const first = await ask("/sessions", withKey("token", { call_id: "claims" }));
  const second = await ask("/sessions", withKey("token", { call_id: "claims" }));
  t.is(first.body.session_id, second.body.session_id);
});

test("a key that cannot be one is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const key of ["x".repeat(256), "ä", ""]) {
    const { status, body } = await ask("/sessions", withKey(key, { call_id: "c" }));
    t.is(status, 422);
    t.deepEqual(body.detail[0].loc, ["header", "idempotency-key"]);
  }
});

test("a caller who sends many keys loses their own oldest answers, and nobody else's", async (t) => {
  const keys = new LocalKeys();
  const once = (caller: string, name: string, answer: number) =>
    keys.once({ name: `${caller} ${name}`, caller, bodyHash: "" }, async () => ({ answer, replayed: false }));
  await once("ann", "first", 1);
  for (let i = 0; i < mostKept + 5; i += 1) await once("flood", String(i), i);
  t.deepEqual(await once("ann", "first", -1), { answer: 1, replayed: true });
  t.deepEqual(await once("flood", String(mostKept + 4), -1), { answer: mostKept + 4, replayed: true });
  t.deepEqual(await once("flood", String(mostKept + 4 - mostKeptOfOne), -1), { answer: -1, replayed: false });
  // As many callers as would fill the whole, each with its budget: who has few keeps them.
  for (let caller = 0; caller < 12; caller += 1)
    for (let i = 0; i < mostKeptOfOne; i += 1) await once(`caller ${caller}`, String(i), i);
  t.deepEqual(await once("ann", "first", -1), { answer: 1, replayed: true });
});
