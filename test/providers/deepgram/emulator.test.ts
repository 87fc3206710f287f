import { once } from "node:events";
import test, { type ExecutionContext } from "ava";
import WebSocket from "ws";
import { checkQuery } from "../../emulators/deepgram/query.ts";
import { type DeepgramEmulator, published } from "../../emulators/deepgram.ts";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

const flux = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000";
const nova = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000";

/** A client without the SDK. */
async function connect(t: ExecutionContext, emulator: DeepgramEmulator, path: string): Promise<WebSocket> {
  const socket = new WebSocket(emulator.url + path, { headers: { authorization: "Token key" } });
  t.teardown(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

const types = (emulator: DeepgramEmulator) =>
  emulator.log.of("sent").map(({ message }) => {
    const { type, event } = message as { type: string; event?: string };
    return event ?? type;
  });

test("queries are checked as by Deepgram", (t) => {
  const query = (version: 1 | 2, text: string) => checkQuery(version, new URLSearchParams(text));
  const good = "encoding=linear16&sample_rate=16000";
  t.like(query(2, `model=flux-general-en&${good}`), { model: "flux-general-en", sampleRate: 16_000 });
  t.like(query(1, `model=nova-3&${good}&endpointing=false`), { model: "nova-3" });
  const refused: readonly (readonly [1 | 2, string, RegExp])[] = [
    [2, good, /model: missing/],
    [2, `model=nova-3&${good}`, /model: must be one of/],
    [2, "model=flux-general-en&encoding=linear16", /sample_rate: required/],
    [2, "model=flux-general-en&encoding=opus&sample_rate=48000", /sample_rate: only with a raw/],
    [2, "model=flux-general-en&encoding=linear16&sample_rate=22050", /sample_rate: must be one of/],
    [2, `model=flux-general-en&${good}&eot_threshold=0.4`, /eot_threshold: must be between 0.5 and 1/],
    [2, `model=flux-general-en&${good}&eager_eot_threshold=0.8`, /must not exceed eot_threshold/],
    [2, `model=flux-general-en&${good}&eot_timeout_ms=100`, /eot_timeout_ms: must be between/],
    [2, `model=flux-general-en&${good}&language_hint=en`, /language_hint: needs flux-general-multi/],
    [2, `model=flux-general-en&${good}&interim_results=true`, /interim_results: unknown parameter/],
    [2, `model=flux-general-en&${good}&mip_opt_out=yes`, /mip_opt_out: must be true or false/],
    [2, `model=flux-general-en&model=flux-general-en&${good}`, /model: given more than once/],
    [1, `model=nova-3&${good}&keywords=a`, /keywords: is not supported by nova-3: use keyterm/],
    [1, `model=nova-2&${good}&keyterm=a`, /keyterm: is only supported by nova-3/],
    [1, `model=nova-3&${good}&utterance_end_ms=500&interim_results=true`, /must be between 1000/],
    [1, `model=nova-3&${good}&utterance_end_ms=1000`, /needs interim_results=true/],
    [1, `model=flux-general-en&${good}`, /model: is not a known model/],
  ];
  for (const [version, text, wrong] of refused) t.regex(String(query(version, text)), wrong, text);
});

test("a handshake without a key is refused", async (t) => {
  const emulator = await emulate(t);
  const socket = new WebSocket(emulator.url + flux);
  const [, response] = await once(socket, "unexpected-response");
  socket.on("error", () => {});
  socket.terminate();
  t.is(response.statusCode, 401);
  t.is(response.headers["dg-error"], "Invalid credentials.");
});

test("Flux: a JSON KeepAlive ends the connection, and so does a message that is not JSON", async (t) => {
  const emulator = await emulate(t);
  for (const message of ['{"type":"KeepAlive"}', "hello"]) {
    const socket = await connect(t, emulator, flux);
    const messages: { type: string; code?: string }[] = [];
    socket.on("message", (data) => messages.push(JSON.parse(data.toString())));
    socket.send(message);
    const [code] = await once(socket, "close");
    t.is(code, 1_011);
    t.like(messages.at(-1), { type: "Error", code: "UNPARSABLE_CLIENT_MESSAGE" });
  }
});

test("Flux: Configure and ForceEndTurn", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Stop here"], trigger: true } });
  const socket = await connect(t, emulator, flux);
  socket.send('{"type":"ForceEndTurn"}');
  socket.send('{"type":"Configure","thresholds":{"eot_threshold":0.3}}');
  socket.send(
    '{"type":"Configure","thresholds":{"eot_threshold":1,"eager_eot_threshold":0.5},"keyterms":["a"]}',
  );
  socket.send(tone(400));
  socket.send(tone(400, 0));
  socket.send('{"type":"ForceEndTurn"}');
  t.like((await sentEvent(emulator, "EndOfTurn")).message, { trigger: "manual", transcript: "Stop here" });
  t.deepEqual(
    types(emulator).filter((type) => type !== "Update"),
    ["Connected", "ConfigureFailure", "ConfigureSuccess", "StartOfTurn", "EagerEndOfTurn", "EndOfTurn"],
  );
});

test("Flux: a turn of low confidence ends after eot_timeout_ms", async (t) => {
  const emulator = await emulate(t, { script: { trigger: true } });
  const socket = await connect(t, emulator, `${flux}&eot_threshold=1&eot_timeout_ms=1000`);
  socket.send(tone(400));
  socket.send(tone(960, 0));
  socket.send(tone(960, 0));
  const ended = await sentEvent(emulator, "EndOfTurn");
  t.like(ended.message, { trigger: "timeout" });
});

test("Flux: turns follow the documented states", async (t) => {
  const emulator = await emulate(t, {
    script: { phrases: [["Well", "Well, hello there"]] },
    delays: { ...published },
  });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  listener.talk({ speech: 600, silence: 160 }).talk({ speech: 600, silence: 1_000 });
  await listener.heard("ended");
  const turn = emulator.log.of("sent").map(({ message }) => message as Record<string, unknown>);
  t.deepEqual(
    turn.map(({ sequence_id }) => sequence_id),
    turn.map((_, index) => index),
  );
  const events = turn.filter(({ event, turn_index }) => event !== undefined && turn_index === 0);
  t.deepEqual(
    events
      .filter(({ event }) => event !== "Update")
      .map(({ event, transcript }) => `${event}: ${transcript}`),
    [
      "StartOfTurn: Well",
      "EagerEndOfTurn: Well",
      "TurnResumed: Well, hello",
      "EagerEndOfTurn: Well, hello there",
      "EndOfTurn: Well, hello there",
    ],
  );
  t.true(events.some(({ event }) => event === "Update"));
});

test("the published delays count from the last speech: by the sound, or by the clock between two pieces of it", async (t) => {
  const emulator = await emulate(t, { delays: published });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  listener.talk({ speech: 800 });
  await emulator.log.seen("audio", 10);
  const talking = setInterval(() => listener.talk({ silence: 20 }), 20);
  await listener.heard("ended");
  clearInterval(talking);
  for (const [event, delayMs] of [
    ["EagerEndOfTurn", published.eagerEndOfTurnMs],
    ["EndOfTurn", published.endOfTurnMs],
  ] as const) {
    const { at, lastSpeechAt, message } = await sentEvent(emulator, event);
    const silenceMs = Number((message as { audio_window_end: number }).audio_window_end) * 1_000 - 800;
    // A slow machine sends several pieces at once. Timers may be a millisecond early.
    t.true(silenceMs >= delayMs || at - Number(lastSpeechAt) >= delayMs - 2, event);
    t.true(silenceMs >= delayMs - 80, event);
  }
});

test("idle connections are closed, unless kept alive as each version wants it", async (t) => {
  const emulator = await emulate(t, { timeouts: { fluxIdleMs: 2_000, novaIdleMs: 2_000 } });
  const alive = async (socket: WebSocket, sign: () => void) => {
    const timer = setInterval(sign, 20);
    t.teardown(() => clearInterval(timer));
    return socket;
  };
  const pinged = await connect(t, emulator, flux);
  const told = await connect(t, emulator, nova);
  await alive(pinged, () => pinged.ping());
  await alive(told, () => told.send('{"type":"KeepAlive"}'));
  const idle = await Promise.all([connect(t, emulator, flux), connect(t, emulator, nova)]);
  await alive(idle[1], () => idle[1].ping());
  const closes = await Promise.all(idle.map((socket) => once(socket, "close")));
  for (const [code, reason] of closes) {
    t.is(code, 1_011);
    t.regex(reason.toString(), /did not receive audio data or a text message/);
  }
  t.is(pinged.readyState, pinged.OPEN);
  t.is(told.readyState, told.OPEN);
});

test("Nova: Finalize, and the end of the stream", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello there"] } });
  const socket = await connect(t, emulator, nova);
  socket.send(tone(400));
  socket.send('{"type":"Finalize"}');
  socket.send('{"type":"Finalize"}');
  socket.send('{"type":"CloseStream"}');
  const [code] = await once(socket, "close");
  t.is(code, 1_000);
  t.deepEqual(types(emulator), ["Results", "Results", "Results", "Metadata"]);
  t.like(emulator.log.of("sent")[0]?.message, { is_final: true, speech_final: true, from_finalize: true });
  t.like(emulator.log.of("sent")[1]?.message, { is_final: true, speech_final: false, from_finalize: true });
});

test("it closes with connections open, more than once", async (t) => {
  const emulator = await emulate(t);
  const socket = await connect(t, emulator, flux);
  emulator.faults.push({ handshakeDelayMs: 60_000 });
  const waiting = new WebSocket(emulator.url + flux, { headers: { authorization: "Token key" } });
  const failed = once(waiting, "error");
  const ended = once(socket, "close");
  await emulator.log.seen("handshake", 2);
  await emulator.close();
  await emulator.close();
  await ended;
  // once() rejects with the error that it waits for, or resolves with it.
  await failed.catch(() => {});
  t.is(emulator.connections.length, 0);
});

/** A square tone in 16-bit samples at 16 kHz. */
function tone(ms: number, level = 8_000): Buffer {
  const samples = Int16Array.from({ length: ms * 16 }, (_, index) => (index & 8 ? level : -level));
  return Buffer.from(samples.buffer);
}

/** The last message sent with this event; waits for it. */
async function sentEvent(emulator: DeepgramEmulator, event: string) {
  for (let count = 1; ; count++) {
    const entry = await emulator.log.seen("sent", count);
    if ((entry.message as { event?: string }).event === event) return entry;
  }
}
