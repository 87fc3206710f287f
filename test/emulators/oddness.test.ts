import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { WebSocket } from "ws";
import { spokenPart } from "./deepgram/words.ts";
import { type DeepgramEmulatorOptions, published, startDeepgram } from "./deepgram.ts";
import { none, startElevenlabs } from "./elevenlabs.ts";

/** These are tests of what recorded sessions of the real services show, and the emulators therefore do by default. */

interface Told {
  readonly type: string;
  readonly event?: string;
  readonly transcript?: string;
  readonly audio_window_end?: number;
  readonly trigger?: string;
  readonly channel?: {
    alternatives: [{ transcript: string; words: { word: string; punctuated_word: string }[] }];
  };
  readonly is_final?: boolean;
  readonly speech_final?: boolean;
  readonly last_word_end?: number;
  readonly duration?: number;
  readonly words?: readonly { start: number }[];
}

const flux = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000";
const nova =
  "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&interim_results=true&utterance_end_ms=1000&vad_events=true&endpointing=300";

/** Plays sound (positive: speech, negative: silence, in milliseconds) and returns all that was said, until the end. */
async function play(
  t: ExecutionContext,
  path: string,
  sound: readonly number[],
  options: DeepgramEmulatorOptions = {},
): Promise<Told[]> {
  const emulator = await startDeepgram({ delays: published, ...options });
  t.teardown(() => emulator.close());
  const socket = new WebSocket(emulator.url + path, { headers: { authorization: "Token key" } });
  const told: Told[] = [];
  socket.on("message", (data) => told.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once("open", resolve));
  for (const ms of sound) {
    for (let left = Math.abs(ms); left > 0; left -= 20) {
      const samples = Int16Array.from({ length: 320 }, (_, index) =>
        ms > 0 ? 8_000 * Math.sin(index / 4) : 0,
      );
      socket.send(samples);
    }
  }
  socket.send(JSON.stringify({ type: "CloseStream" }));
  await new Promise((resolve) => socket.once("close", resolve));
  return told;
}

const sentence = "My grandmother travelled around remarkable countries, yesterday evening.";

test("Flux: words may come before StartOfTurn, are rewritten, and have no trigger", async (t) => {
  const told = await play(t, flux, [-60, 1_600, -2_000], { script: { phrases: [sentence] } });
  const turns = told.filter(({ type }) => type === "TurnInfo");
  const start = turns.findIndex(({ event }) => event === "StartOfTurn");
  t.true(turns.slice(0, start).some(({ event, transcript }) => event === "Update" && transcript !== ""));
  const partials = turns.slice(0, -1).map(({ transcript = "" }) => transcript);
  const rewritten = partials.filter((text) => text !== "" && !`${sentence} `.startsWith(`${text} `));
  t.true(rewritten.length > 0);
  const end = turns.find(({ event }) => event === "EndOfTurn");
  t.is(end?.transcript, sentence);
  t.false(turns.some((turn) => "trigger" in turn));
});

test("Flux: Updates come every 240 ms, and every 80 ms behind speech", async (t) => {
  const told = await play(t, flux, [-960, 960, -3_000], { script: { phrases: [sentence] } });
  const updates = told
    .filter(({ type }) => type === "TurnInfo")
    .map(({ audio_window_end = 0 }) => audio_window_end);
  const steps = updates.slice(1).map((end, index) => Math.round((end - updates[index]!) * 1_000));
  t.true(steps.filter((ms) => ms === 240).length >= 5);
  t.true(steps.filter((ms) => ms === 80).length >= 5);
  t.true(steps.every((ms) => ms <= 240));
});

test("Flux: words of a noise are withdrawn, without any turn", async (t) => {
  const told = await play(t, flux, [-100, 160, -2_000], { script: { phrases: [sentence] } });
  const texts = told.filter(({ type }) => type === "TurnInfo");
  t.deepEqual([...new Set(texts.map(({ event }) => event))], ["Update"]);
  t.true(texts.some(({ transcript }) => transcript !== ""));
  t.is(texts.at(-1)?.transcript, "");
});

const transcriptOf = ({ channel }: Told) => channel?.alternatives[0].transcript;

test("Nova: UtteranceEnd comes late, noise is speech without a word, and the stream ends with an empty result", async (t) => {
  const told = await play(t, nova, [-100, 800, -3_000], { script: { phrases: ["Good evening."] } });
  const end = told.findIndex(({ speech_final }) => speech_final);
  t.is(transcriptOf(told[end]!), "Good evening.");
  const after = told.slice(end + 1);
  t.true(after.some(({ type }) => type === "SpeechStarted"));
  const late = after.find(({ type }) => type === "UtteranceEnd");
  t.true(late !== undefined && late.last_word_end! > 0.8 && late.last_word_end! < 1);
  t.true(after.filter(({ type }) => type === "Results").every((result) => transcriptOf(result) === ""));
  const [last, metadata] = told.slice(-2);
  t.like(last, { type: "Results", is_final: true, speech_final: true });
  t.is(metadata?.type, "Metadata");
  t.deepEqual(
    told[end]?.channel?.alternatives[0].words.map(({ word, punctuated_word }) => [word, punctuated_word]),
    [
      ["good", "Good"],
      ["evening", "evening."],
    ],
  );
});

test("Nova: an interim result may withdraw words of the one before", async (t) => {
  const told = await play(t, nova, [4_000, -600], { script: { phrases: [sentence] } });
  const interims = told.filter(({ type, is_final }) => type === "Results" && !is_final).map(transcriptOf);
  t.true(interims[0] !== "" && interims[1] === "" && interims[2] !== "");
});

test("Deepgram: Error frames have the shape of their protocol, refusals the modern body or the older one", async (t) => {
  const fault = { errorAfterMs: 0, errorFrame: { code: "DATA-0000", description: "No sound." } };
  for (const [path, expected] of [
    [flux, { code: "DATA-0000", description: "No sound.", variant: undefined }],
    [nova, { variant: "DATA-0000", message: "DATA-0000", description: "No sound.", code: undefined }],
  ] as const) {
    const emulator = await startDeepgram();
    t.teardown(() => emulator.close());
    emulator.faults.push(fault);
    const socket = new WebSocket(emulator.url + path, { headers: { authorization: "Token key" } });
    const told: object[] = [];
    socket.on("message", (data) => told.push(JSON.parse(data.toString())));
    await new Promise((resolve) => socket.once("close", resolve));
    t.like(told.at(-1), { type: "Error", ...expected });
  }
  const emulator = await startDeepgram();
  t.teardown(() => emulator.close());
  const refusal = async () => {
    const socket = new WebSocket(emulator.url + flux, { headers: { authorization: "Token wrong" } });
    socket.on("error", () => {});
    return new Promise<string>((resolve) => {
      socket.once("unexpected-response", async (_, answer) => {
        resolve(Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString());
      });
    });
  };
  t.like(JSON.parse(await refusal()), { category: "INVALID_AUTH", message: "Invalid credentials." });
  emulator.faults.push({ olderBody: true });
  t.like(JSON.parse(await refusal()), { err_code: "INVALID_AUTH", err_msg: "Invalid credentials." });
});

test("the last word of what is understood so far is a guess", (t) => {
  t.is(spokenPart("tranquility, provide", "", 0), "tranquil");
  t.is(spokenPart("We, the people", "", 0), "We");
  t.is(spokenPart("We, the people", "", 250), "We, the");
  t.is(spokenPart("We, the people.", "", 9_000), "We, the people.");
  t.is(spokenPart("Größenwahn ist", "", 0), "Größenw");
});

/** Asks without the conveniences of fetch. */
function ask(url: string, body: Buffer | string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>(
    (resolve, reject) => {
      const outgoing = request(
        url,
        { method: "POST", headers: { "xi-api-key": "a-key", ...headers } },
        async (answer) => {
          const bytes = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>));
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes });
        },
      );
      outgoing.on("error", reject).end(body);
    },
  );
}

test("ElevenLabs: text that is not well-formed is refused, wherever it is", async (t) => {
  const emulator = await startElevenlabs({ delays: none });
  t.teardown(() => emulator.close());
  const url = `${emulator.url}/v1/text-to-speech/someone/stream?output_format=pcm_16000`;
  for (const field of ["text", "previous_text", "next_text"]) {
    const { status, body } = await ask(url, `{"text":"Hello.","${field}":"half \\ud83d"}`);
    t.is(status, 422);
    t.like(JSON.parse(body.toString()).detail[0], { type: "string_unicode", loc: ["body", field] });
  }
  const bytes = Buffer.concat([Buffer.from('{"text":"Hello '), Buffer.of(0xff, 0xfe), Buffer.from('"}')]);
  t.is((await ask(url, bytes)).status, 422);
  t.is((await ask(url, '{"text":"whole \\ud83d\\ude00"}')).status, 200);
});

test("ElevenLabs: a refusal has its id in x-trace-id and in the body, and is compressed where that is accepted", async (t) => {
  const emulator = await startElevenlabs({ delays: none, account: { credits: 3 } });
  t.teardown(() => emulator.close());
  const url = `${emulator.url}/v1/text-to-speech/someone/stream?output_format=pcm_16000`;
  const plain = await ask(url, '{"text":"Hello."}');
  t.is(plain.status, 402);
  t.is(plain.headers["request-id"], undefined);
  const { detail } = JSON.parse(plain.body.toString());
  t.like(detail, { code: "insufficient_credits", request_id: plain.headers["x-trace-id"] });
  const packed = await ask(url, '{"text":"Hello."}', { "accept-encoding": "gzip, deflate" });
  t.is(packed.headers["content-encoding"], "gzip");
  t.is(JSON.parse(gunzipSync(packed.body).toString()).detail.code, "insufficient_credits");
});
