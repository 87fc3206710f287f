import { once } from "node:events";
import test, { type ExecutionContext } from "ava";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { RealtimeServerEvent } from "openai/resources/realtime/realtime";
import { selfSigned } from "../../emulators/certificate.ts";
import { startOpenai } from "../../emulators/openai.ts";

/** The emulator is judged by OpenAI's own client, which nobody here wrote. It speaks over TLS alone. */
async function stage(t: ExecutionContext) {
  const certificate = selfSigned();
  const emulator = await startOpenai({ apiKey: "right-key", tls: certificate });
  t.teardown(() => emulator.close());
  const connect = (apiKey = "right-key") => {
    const client = new OpenAI({ apiKey, baseURL: emulator.url });
    const ws = new OpenAIRealtimeWS({ intent: "transcription", options: { ca: certificate.cert } }, client);
    t.teardown(() => ws.close());
    const events: RealtimeServerEvent[] = [];
    ws.on("event", (event) => events.push(event));
    ws.on("error", () => {});
    const until = async (type: RealtimeServerEvent["type"]) => {
      const signal = AbortSignal.timeout(30_000);
      for (;;) {
        const found = events.find((event) => event.type === type);
        if (found) return found;
        await once(ws.socket, "message", { signal });
      }
    };
    return { ws, events, until };
  };
  return { emulator, connect };
}

/** Milliseconds of a square tone, or of silence, as the client sends it. */
const sound = (ms: number, level: number) =>
  Buffer.from(
    Int16Array.from({ length: 24 * ms }, (_, index) => (index & 8 ? level : -level)).buffer,
  ).toString("base64");

const session = (model: string, turn_detection: { type: "server_vad" } | null) => ({
  type: "transcription" as const,
  audio: {
    input: {
      format: { type: "audio/pcm" as const, rate: 24_000 as const },
      transcription: { model },
      turn_detection,
    },
  },
});

test("it configures a session, speaks, and is told the turns as its types have them", async (t) => {
  const { connect } = await stage(t);
  const { ws, events, until } = connect();
  await until("session.created");
  ws.send({ type: "session.update", session: session("gpt-4o-transcribe", { type: "server_vad" }) });
  await until("session.updated");
  ws.send({ type: "input_audio_buffer.append", audio: sound(500, 8_000) });
  ws.send({ type: "input_audio_buffer.append", audio: sound(800, 0) });
  const completed = await until("conversation.item.input_audio_transcription.completed");
  t.like(completed, {
    transcript: "Hello there, how are you?",
    content_index: 0,
    usage: { type: "duration" },
  });
  const order = events.map(({ type }) => type).filter((type) => !type.endsWith("delta"));
  t.deepEqual(order, [
    "session.created",
    "session.updated",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
  ]);
});

test("it commits turns by itself, and is told of a wrong session and of an empty buffer", async (t) => {
  const { connect } = await stage(t);
  const { ws, events, until } = connect();
  await until("session.created");
  ws.send({
    type: "session.update",
    session: session("gpt-live-transcribe", { type: "server_vad" }),
    event_id: "mine",
  });
  t.like(await until("error"), {
    error: { type: "invalid_request_error", event_id: "mine", param: "session.audio.input.turn_detection" },
  });
  ws.send({ type: "session.update", session: session("gpt-live-transcribe", null) });
  await until("session.updated");
  events.length = 0;
  ws.send({ type: "input_audio_buffer.commit" });
  t.like(await until("error"), { error: { code: "input_audio_buffer_commit_empty" } });
  ws.send({ type: "input_audio_buffer.append", audio: sound(800, 8_000) });
  ws.send({ type: "input_audio_buffer.commit" });
  t.like(await until("conversation.item.input_audio_transcription.completed"), {
    transcript: "Hello there, how are you?",
  });
  ws.send({ type: "input_audio_buffer.clear" });
  await until("input_audio_buffer.cleared");
});

test("a wrong key is refused in the handshake", async (t) => {
  const { emulator, connect } = await stage(t);
  const { ws } = connect("wrong-key");
  const [error] = await once(ws.socket, "error");
  t.regex(String(error), /401/);
  t.is(emulator.log.of("realtime_refused")[0]?.status, 401);
});
