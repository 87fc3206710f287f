import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { SpeechChunk } from "../../../src/agent/tts.ts";
import { refusal } from "../../../src/providers/elevenlabs/error.ts";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import type { ElevenlabsFault } from "../../emulators/elevenlabs.ts";
import {
  anySignal,
  emulate,
  failure,
  greeting,
  speak,
  spoken,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

interface Refused {
  readonly fault: ElevenlabsFault;
  readonly kind: elevenlabs.ElevenlabsErrorKind;
  readonly code?: string;
  readonly message: RegExp;
}

const refusals: Readonly<Record<string, Refused>> = {
  "a wrong key": {
    fault: { status: 401 },
    kind: "unauthorized",
    code: "invalid_api_key",
    message: /Invalid API key/,
  },
  "no credits left": {
    fault: { status: 401, code: "quota_exceeded", message: "You have 5 credits remaining" },
    kind: "quota",
    code: "quota_exceeded",
    message: /5 credits remaining/,
  },
  "too many at once": {
    fault: { status: 429, code: "too_many_concurrent_requests" },
    kind: "concurrency",
    code: "too_many_concurrent_requests",
    message: /^ElevenLabs answered 429 too_many_concurrent_requests/,
  },
  "an older answer, with its reason in status alone": {
    fault: { status: 429, body: { detail: { status: "system_busy", message: "Busy" } } },
    kind: "busy",
    code: "system_busy",
    message: /Busy$/,
  },
  "an unknown voice": {
    fault: { status: 404, code: "voice_not_found", message: "No such voice" },
    kind: "invalid",
    code: "voice_not_found",
    message: /No such voice/,
  },
  "fields that do not fit": {
    fault: {
      status: 422,
      body: { detail: [{ loc: ["body", "seed"], msg: "too large", input: "a secret" }] },
    },
    kind: "invalid",
    message: /^ElevenLabs answered 422: body\.seed: too large$/,
  },
  "a page instead of an answer": {
    fault: { status: 502, body: "<html>\n <head><title>502</title></head>  Bad gateway\n</html>" },
    kind: "server",
    message: /^ElevenLabs answered 502: 502 Bad gateway$/,
  },
  "a plain detail": {
    fault: { status: 405, body: { detail: "Method Not Allowed" } },
    kind: "invalid",
    message: /Not Allowed$/,
  },
  "no credits, as newer answers tell it": {
    fault: { status: 402, code: "insufficient_credits", message: "None left" },
    kind: "quota",
    code: "insufficient_credits",
    message: /None left$/,
  },
  "no credits, without a code": {
    fault: { status: 402, body: { detail: "Payment required" } },
    kind: "quota",
    message: /Payment required$/,
  },
  "a quota behind a status that else passes": {
    fault: { status: 429, code: "quota_exceeded", message: "Used up" },
    kind: "quota",
    code: "quota_exceeded",
    message: /Used up$/,
  },
  "a voice of another plan": {
    fault: { status: 402, code: "paid_plan_required", message: "Free users cannot" },
    kind: "unauthorized",
    code: "paid_plan_required",
    message: /Free users cannot$/,
  },
  "an account that is blocked": {
    fault: { status: 401, code: "detected_unusual_activity", message: "Unusual" },
    kind: "unauthorized",
    code: "detected_unusual_activity",
    message: /Unusual$/,
  },
  "a gateway's own shape": {
    fault: { status: 503, body: { error: { message: "no healthy upstream" } } },
    kind: "server",
    message: /^ElevenLabs answered 503: no healthy upstream$/,
  },
  "a list": {
    fault: { status: 500, body: [{ detail: { code: "internal_error", message: "Sorry" } }] },
    kind: "server",
    code: "internal_error",
    message: /Sorry$/,
  },
  "half a character at the longest length": {
    fault: { status: 400, body: { detail: `${"a".repeat(299)}😀 and on` } },
    kind: "invalid",
    message: /: a{299}…$/,
  },
  "nothing at all": {
    fault: { status: 500, body: "" },
    kind: "server",
    message: /^ElevenLabs answered 500$/,
  },
  "a redirect, which the SDK takes for sound": {
    fault: { status: 307, location: "/elsewhere", body: "" },
    kind: "server",
    message: /answered 307/,
  },
};

for (const [name, { fault, kind, code, message }] of Object.entries(refusals)) {
  test(`an error with its reason: ${name}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push(fault);
    const error = await failure(voice(t, emulator, { maxRetries: 0 }));
    t.true(error instanceof elevenlabs.ElevenlabsError);
    const { kind: toldKind, status, code: toldCode } = error;
    t.deepEqual({ kind: toldKind, status, code: toldCode }, { kind, status: fault.status, code });
    t.regex(error.message, message);
    t.notRegex(error.message, /secret|a-key/);
    t.is(error.requestId, `emulated-${emulator.log.of("refused")[0]!.request}`);
    if (fault.status! >= 400) t.is(errorKind(error), code ?? `http_${fault.status}`);
  });
}

for (const [encoding, encode] of Object.entries({
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  "gzip, br": (text: string) => brotliCompressSync(gzipSync(text)),
})) {
  test(`a refusal that is encoded as ${encoding} is read`, async (t) => {
    const body = encode(JSON.stringify({ detail: { code: "quota_exceeded", message: "Used up" } }));
    const server = createServer((incoming, response) => {
      incoming.resume().on("end", () => {
        response
          .writeHead(401, { "content-encoding": encoding, "content-type": "application/json" })
          .end(body);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await failure(voice(t, { url }));
    t.like(error, { kind: "quota", status: 401, code: "quota_exceeded" });
  });
}

for (const [what, headers, detail, id] of [
  ["in a header of its own", { "request-id": "r-1", "x-trace-id": "t-1" }, { request_id: "d-1" }, "r-1"],
  ["in the body", { "x-trace-id": "t-1", "x-request-id": "gateway" }, { request_id: "d-1" }, "d-1"],
  ["as a trace", { "x-trace-id": "t-1", "x-request-id": "gateway" }, {}, "t-1"],
  ["as the gateway's", { "x-request-id": "gateway" }, {}, "gateway"],
  ["nowhere", {}, {}, undefined],
] as const) {
  test(`the id of a refused request is found ${what}`, (t) => {
    const text = JSON.stringify({ detail: { code: "system_busy", message: "Busy", ...detail } });
    t.is(refusal({ status: 429, headers, text }).requestId, id);
  });
}

test("refusals of the service have its reason", async (t) => {
  const emulator = await emulate(t, {
    account: { apiKey: "the-key", unknownVoices: new Set(["nobody"]), credits: 30 },
  });
  const right = { apiKey: "the-key", maxRetries: 0 };
  const codes = async (options: elevenlabs.TTSOptions, text?: string) =>
    (await failure(voice(t, emulator, options), text)).code;
  t.is(await codes({ apiKey: "wrong" }), "invalid_api_key");
  t.is(await codes({ ...right, voiceId: "nobody" }), "voice_not_found");
  t.is(await codes({ ...right, modelId: "eleven_nothing" }), "model_not_found");
  t.is(await codes({ ...right, modelId: "eleven_flash_v2", languageCode: "de" }), "unsupported_language");
  t.is(await codes(right, "a".repeat(40_001)), "max_character_limit_exceeded");
  t.is(await codes(right, "a".repeat(31)), "insufficient_credits");
  t.is((await speak(voice(t, emulator, right), "a".repeat(30))).length > 0, true);
});

test("too many concurrent requests are a kind of error of their own, never retried", async (t) => {
  const emulator = await emulate(t, { account: { maxConcurrentRequests: 2 } });
  const tts = voice(t, emulator);
  emulator.faults.push({ stallAfterMs: 200 }, { stallAfterMs: 200 });
  const running = [
    tts.speak(greeting, { signal: anySignal() }),
    tts.speak(greeting, { signal: anySignal() }),
  ];
  for (const speech of running) await speech.next();
  const error = await failure(tts);
  t.is(error.kind, "concurrency");
  t.is(error.code, "too_many_concurrent_requests");
  t.false(error.retryable);
  t.is(spoken(emulator).length, 3);
  for (const speech of running) await speech.return();
});

test("an unreachable server is a network error", async (t) => {
  const emulator = await emulate(t);
  const { url } = emulator;
  await emulator.close();
  const error = await failure(voice(t, { url }, { maxRetries: 1 }));
  t.is(error.kind, "network");
  t.is(error.code, "ECONNREFUSED");
  t.is(errorKind(error), "network");
});

for (const alignment of [true, false]) {
  test(`a connection cut in mid-speech is an error, after what had come, and not asked again, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ cutAfterMs: 600 });
    const chunks: SpeechChunk[] = [];
    const error = await t.throwsAsync(async () => {
      const tts = voice(t, emulator, { alignment });
      for await (const chunk of tts.speak(greeting, { signal: anySignal() })) chunks.push(chunk);
    });
    t.is(errorKind(error), "network");
    t.true(chunks.length > 0);
    t.is(spoken(emulator).length, 1);
  });
}

test("a response that reports a failure after its beginning is an error", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ errorAfterMs: 400 });
  const error = await failure(voice(t, emulator));
  t.is(error.kind, "server");
  t.regex(error.message, /internal_error/);
});

test("an HTML page is never played as sound", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ contentType: "text/html; charset=utf-8" });
  const error = await failure(voice(t, emulator, { alignment: false, maxRetries: 0 }));
  t.is(error.code, "bad_answer");
  await emulator.log.seen("disconnection");
});

test("an answer without sound is an error", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ empty: true }, { empty: true }, {});
  const tts = voice(t, emulator, { maxRetries: 1 });
  t.is((await failure(tts)).code, "empty_answer");
  t.is((await speak(tts, greeting)).length > 0, true);
});
