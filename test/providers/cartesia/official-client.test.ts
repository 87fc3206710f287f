import { createRequire } from "node:module";
import test, { type ExecutionContext } from "ava";
import type { ClientOptions } from "ws";
import { startCartesia } from "../../emulators/cartesia.ts";
import { selfSigned } from "../../emulators/certificate.ts";
import { speak as toneOf } from "../../emulators/elevenlabs/tone.ts";

// As an ES module the client uses the WebSocket of browsers, which takes no certificate.
const { Cartesia } = createRequire(import.meta.url)(
  "@cartesia/cartesia-js",
) as typeof import("@cartesia/cartesia-js");

/** The emulator is judged by Cartesia's own client, which nobody here wrote. It speaks over TLS alone. */
async function stage(t: ExecutionContext) {
  const certificate = selfSigned();
  const emulator = await startCartesia({ account: { apiKey: "right-key" }, tls: certificate });
  t.teardown(() => emulator.close());
  const options: ClientOptions = { ca: certificate.cert };
  const client = (apiKey = "right-key") => new Cartesia({ apiKey, baseURL: emulator.url });
  return { emulator, client, options };
}

const context = {
  model_id: "sonic-3.5",
  voice: { mode: "id" as const, id: "694f9389-aac1-45b6-b726-9d9369183238" },
  output_format: { container: "raw" as const, encoding: "pcm_s16le" as const, sample_rate: 24_000 as const },
  add_timestamps: true,
};

test("it speaks texts that continue each other in contexts of their own, with times and flushes", async (t) => {
  const { client, options } = await stage(t);
  const ws = await client().tts.websocket(options);
  t.teardown(() => ws.close());
  const [one, other] = [ws.context(context), ws.context(context)];
  await one.push({ transcript: "Hello, Sonic!" });
  await one.flush();
  await one.push({ transcript: " I'm streaming." });
  await one.no_more_inputs();
  await other.send({ transcript: "Another.", continue: false });
  const read = async (from: typeof one) => {
    const events = [];
    for await (const event of from.receive()) events.push(event);
    return events;
  };
  const events = await read(one);
  const sound = Buffer.concat(
    events.map((event) => (event.type === "chunk" ? Buffer.from(event.audio!) : Buffer.alloc(0))),
  );
  const expected = ["Hello, Sonic!", " I'm streaming."].map((text) =>
    Buffer.from(toneOf(text, { sampleRate: 24_000 }).buffer),
  );
  t.deepEqual(sound, Buffer.concat(expected));
  const times = events.flatMap((event) => (event.type === "timestamps" ? (event.word_timestamps ?? []) : []));
  t.deepEqual(
    times.flatMap(({ words }) => words),
    ["Hello,", "Sonic!", "I'm", "streaming."],
  );
  t.true(events.some((event) => event.type === "flush_done" && event.flush_id === 1));
  t.is(events.at(-1)!.type, "done");
  t.is((await read(other)).at(-1)!.type, "done");
});

test("it is told of what is refused, and may cancel", async (t) => {
  const { emulator, client, options } = await stage(t);
  emulator.script.speed = 4;
  const ws = await client().tts.websocket(options);
  t.teardown(() => ws.close());
  ws.on("error", () => {});
  const wrong = ws.context({ ...context, model_id: "tonic-1" });
  await wrong.send({ transcript: "Hello.", continue: false });
  await t.throwsAsync(
    async () => {
      for await (const _ of wrong.receive());
    },
    { message: /^The model is not valid/ },
  );
  const speech = ws.context(context);
  await speech.send({ transcript: "A sentence that is interrupted.", continue: true });
  await emulator.log.seen("speech_first_piece");
  await speech.cancel();
  await emulator.log.seen("speech_cancel");
  await emulator.log.seen("speech_done");
});

test("it hears turns, early ends and what comes after them", async (t) => {
  const { emulator, client, options } = await stage(t);
  const parameters = {
    model: "ink-2",
    encoding: "pcm_s16le" as const,
    sample_rate: 16_000,
    keyterm: ["Oslo", "Rome"],
  };
  const ws = client().stt.autoFinalize.websocket(parameters, options);
  const heard: { readonly type: string; readonly transcript?: string }[] = [];
  ws.on("event", (event) => heard.push(event));
  ws.on("error", () => {});
  const sound = (ms: number, level: number) =>
    Buffer.from(Int16Array.from({ length: 16 * ms }, (_, index) => (index & 8 ? level : -level)).buffer);
  await emulator.log.seen("turns_open");
  ws.sendRaw(sound(500, 8_000));
  ws.sendRaw(sound(200, 0));
  ws.sendRaw(sound(200, 8_000));
  ws.sendRaw(sound(600, 0));
  ws.send({ type: "close" });
  await emulator.log.seen("turns_close");
  const types = heard.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
  t.deepEqual(types, [
    "connected",
    "turn.start",
    "turn.update",
    "turn.eager_end",
    "turn.resume",
    "turn.update",
    "turn.eager_end",
    "turn.end",
  ]);
  t.is(heard.at(-1)!.transcript, "Hello there, how are you?");
});

test("a wrong key is refused in the handshake", async (t) => {
  const { emulator, client, options } = await stage(t);
  const parameters = { model: "ink-2", encoding: "pcm_s16le" as const, sample_rate: 16_000 };
  const ws = client("wrong-key").stt.autoFinalize.websocket(parameters, options);
  const refused = Promise.withResolvers<Error>();
  ws.on("error", refused.resolve);
  t.regex((await refused.promise).message, /401/);
  t.is(emulator.log.of("refused")[0]?.status, 401);
});
