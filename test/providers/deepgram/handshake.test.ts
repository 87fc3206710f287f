import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { setDefaultCACertificates } from "node:tls";
import test, { type ExecutionContext } from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { DeepgramError, STT } from "../../../src/providers/deepgram/index.ts";
import { selfSigned } from "../../emulators/certificate.ts";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

const key = "a-secret-key-of-no-use";

const listen = (stt: STT, signal = new AbortController().signal) =>
  stt.listen({ participantId: "anna", signal });

/** Resolves with the error by which listening is refused. */
async function refusal(stt: STT): Promise<DeepgramError> {
  const error: unknown = await listen(stt).then(
    () => null,
    (reason) => reason,
  );
  if (error instanceof DeepgramError) return error;
  throw new Error(`Not refused: ${error}`);
}

for (const [status, code] of [
  [400, "INVALID_QUERY_PARAMETER"],
  [401, "INVALID_AUTH"],
  [402, "ASR_PAYMENT_REQUIRED"],
  [403, "INSUFFICIENT_PERMISSIONS"],
] as const) {
  test(`a handshake refused with ${status} is final, with its status, code and reason (pitfall 9)`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.always = { status, errorMessage: `because of ${key}` };
    const error = await refusal(sttOn(t, emulator, { apiKey: key }));
    t.like(error, { status, code, retryable: false });
    t.regex(
      error.message,
      new RegExp(`refused with ${status}: ${code} because of \\[key\\] \\(request .+\\)$`),
    );
    t.truthy(error.requestId);
    t.is(errorKind(error), code);
    t.is(emulator.log.of("handshake").length, 1);
    t.false(JSON.stringify({ ...error, text: error.stack }).includes(key));
  });
}

/** Refuses every handshake, and answers every check of a key, with this. */
async function refusing(t: ExecutionContext, status: number, headers: object, body: string): Promise<STT> {
  const server = createHttpServer((_, response) => response.writeHead(status, { ...headers }).end(body));
  server.on("upgrade", (_, socket) => {
    const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(body) });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    socket.end(`HTTP/1.1 ${status} Refused\r\n${head}connection: close\r\n\r\n${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const baseUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stt = new STT({ apiKey: key, baseUrl, connectAttempts: 2, retryDelayMs: 1 });
  t.teardown(() => stt.close());
  return stt;
}

const modern = {
  category: "INVALID_AUTH",
  message: "Invalid credentials.",
  details: "Check your key.",
  request_id: "r-1",
};

for (const [what, status, headers, body, expected] of [
  [
    "the modern body",
    401,
    {},
    JSON.stringify(modern),
    {
      code: "INVALID_AUTH",
      requestId: "r-1",
      retryable: false,
      message: "Deepgram refused with 401: INVALID_AUTH Invalid credentials. Check your key. (request r-1)",
    },
  ],
  [
    "the older body",
    402,
    { "dg-request-id": "r-2" },
    JSON.stringify({ err_code: "ASR_PAYMENT_REQUIRED", err_msg: "No credits left." }),
    { code: "ASR_PAYMENT_REQUIRED", requestId: "r-2", retryable: false },
  ],
  ["a body that is a list", 400, {}, JSON.stringify([modern]), { code: "INVALID_AUTH", retryable: false }],
  [
    "an account without credit behind a 429",
    429,
    {},
    JSON.stringify({ category: "INSUFFICIENT_CREDITS", message: "Buy some." }),
    { code: "INSUFFICIENT_CREDITS", retryable: false },
  ],
  [
    "a page of a gateway",
    502,
    {},
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p { color: red }</style></head><body><p>nginx</p></body></html>",
    { code: undefined, retryable: true, message: "Deepgram refused with 502: 502 Bad Gateway nginx" },
  ],
  [
    "a gateway's own JSON",
    503,
    { "x-request-id": "r-3" },
    JSON.stringify({ error: { message: "no healthy upstream" } }),
    {
      requestId: "r-3",
      retryable: true,
      message: "Deepgram refused with 503: no healthy upstream (request r-3)",
    },
  ],
  [
    "no body",
    403,
    { "dg-error": "Not for you" },
    "",
    { code: undefined, retryable: false, message: "Deepgram refused with 403: Not for you" },
  ],
  [
    "neither body nor reason",
    500,
    {},
    "",
    { retryable: true, message: "Deepgram refused with 500: no reason given" },
  ],
  [
    "a text that quotes the key, with half a character",
    400,
    {},
    JSON.stringify({ category: "BAD", message: `${key} \ud83d` }),
    { message: "Deepgram refused with 400: BAD [key] \ufffd" },
  ],
] as const) {
  test(`a refusal with ${what} is read`, async (t) => {
    t.like(await refusal(await refusing(t, status, headers, body)), { status, ...expected });
  });
}

test("a wrong key is refused", async (t) => {
  const emulator = await emulate(t, { apiKey: "the-right-one" });
  t.like(await refusal(sttOn(t, emulator, { apiKey: key })), { status: 401, code: "INVALID_AUTH" });
});

for (const [status, code] of [
  [429, "TOO_MANY_REQUESTS"],
  [500, "INTERNAL_SERVER_ERROR"],
  [503, "SERVICE_UNAVAILABLE"],
] as const) {
  test(`a handshake refused with ${status} is tried again`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ status }, { status });
    const listener = await Listener.on(sttOn(t, emulator));
    t.is(emulator.log.of("handshake").length, 3);
    t.deepEqual(
      (await Promise.all([listener.heard("error"), listener.heard("error", 2)])).map(({ error, fatal }) => [
        errorKind(error),
        fatal,
      ]),
      [
        [code, false],
        [code, false],
      ],
    );
  });
}

test("attempts are bounded, and the last refusal is thrown", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { status: 503 };
  t.like(await refusal(sttOn(t, emulator, { connectAttempts: 3 })), { status: 503, retryable: true });
  t.is(emulator.log.of("handshake").length, 3);
});

test("Retry-After is waited for", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 429, retryAfterSeconds: 1 });
  await Listener.on(sttOn(t, emulator));
  const [first, second] = emulator.log.of("handshake");
  t.true(second!.at - first!.at >= 990);
});

test("a Retry-After longer than a caller waits is final", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 429, retryAfterSeconds: 60 });
  t.like(await refusal(sttOn(t, emulator)), { status: 429, retryAfterMs: 60_000 });
  t.is(emulator.log.of("handshake").length, 1);
});

test("an unreachable server is a network error, after the attempts", async (t) => {
  const emulator = await emulate(t);
  const { url } = emulator;
  await emulator.close();
  const stt = new STT({ apiKey: key, baseUrl: url, retryDelayMs: 1, connectAttempts: 2 });
  const error = await refusal(stt);
  t.like(error, { code: "ECONNREFUSED", status: undefined });
  t.is(errorKind(error), "network");
});

test("a handshake that is cut is tried again", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ cutsHandshake: true });
  const listener = await Listener.on(sttOn(t, emulator));
  t.is(errorKind((await listener.heard("error")).error), "network");
});

test("a handshake that is never answered ends by its deadline", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ hangs: true });
  const listener = await Listener.on(sttOn(t, emulator, { connectTimeoutMs: 500 }));
  const { error } = await listener.heard("error");
  t.is(errorKind(error), "timeout");
  t.is(error.message, "The handshake with Deepgram took longer than 500 ms (connectTimeoutMs)");
});

test("sound that comes during a slow handshake is kept", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  const stt = sttOn(t, emulator);
  // The first connection asks for another rate than the sound has; the second, slow one is for it.
  emulator.faults.push({}, { handshakeDelayMs: 200 });
  const listener = await Listener.on(stt, 24_000);
  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
});

test("a refusal whose body never ends is thrown all the same", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 403, endlessBody: true });
  t.like(await refusal(sttOn(t, emulator)), { status: 403, code: "INSUFFICIENT_PERMISSIONS" });
});

test("a server that speaks no HTTP is an error, not a crash", async (t) => {
  const server = createServer((socket) => socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9.6\r\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const stt = new STT({ apiKey: key, baseUrl: `ws://127.0.0.1:${port}`, connectAttempts: 1 });
  t.regex((await refusal(stt)).message, /^The connection to Deepgram failed: /);
});

test("an abort rejects a listen at once, with its reason", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator);
  const reason = new Error("not needed");
  await t.throwsAsync(listen(stt, AbortSignal.abort(reason)), { is: reason });
  t.is(emulator.log.of("handshake").length, 0);

  emulator.faults.push({ hangs: true });
  const cancel = new AbortController();
  const listening = listen(stt, cancel.signal);
  await emulator.log.seen("handshake");
  cancel.abort(reason);
  await t.throwsAsync(listening, { is: reason });

  emulator.faults.always = { status: 503 };
  const patient = sttOn(t, emulator, { retryDelayMs: 60_000 });
  const again = new AbortController();
  const waiting = listen(patient, again.signal);
  await emulator.log.seen("refused");
  again.abort(reason);
  await t.throwsAsync(waiting, { is: reason });
});

test("warming checks the key: a wrong one is one clear line", async (t) => {
  const emulator = await emulate(t, { apiKey: "the-right-one" });
  const error = await t.throwsAsync(sttOn(t, emulator, { apiKey: key }).warm(AbortSignal.timeout(5_000)));
  t.like(error, { status: 401, code: "INVALID_AUTH" });
  t.regex(error?.message ?? "", /^Deepgram refused with 401: INVALID_AUTH Invalid credentials\. \(request /);
  await sttOn(t, emulator, { apiKey: "the-right-one" }).warm(AbortSignal.timeout(5_000));
  t.is(emulator.log.of("handshake").length, 0, "no socket is opened ahead");
});

test("warming fails with a code where there is no server, and ends with its signal", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator);
  const reason = new Error("not needed");
  await t.throwsAsync(stt.warm(AbortSignal.abort(reason)), { is: reason });
  await emulator.close();
  const error = await t.throwsAsync(stt.warm(AbortSignal.timeout(5_000)));
  t.is(errorKind(error), "network");
});

test.serial("over TLS, a handshake resumes the session that warming kept", async (t) => {
  const certificate = selfSigned();
  setDefaultCACertificates([certificate.cert]);
  const emulator = await emulate(t, { tls: certificate, script: { phrases: ["Hello"] } });
  const stt = sttOn(t, emulator, { baseUrl: emulator.url.replace("https:", "wss:") });
  await stt.warm(AbortSignal.timeout(5_000));
  const listener = await Listener.on(stt);
  t.true(emulator.log.of("handshake")[0]?.tlsResumed);
  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
  await Listener.on(stt);
  t.true(emulator.log.of("handshake")[1]?.tlsResumed, "and so does the next");
});
