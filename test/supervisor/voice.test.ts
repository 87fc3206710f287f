import { once } from "node:events";
import { BroadcastChannel } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import pino from "pino";
import { offerSharedThreads, SharedThreadUnavailableError } from "../../src/agent/thread/shared-threads.ts";
import { concatenate } from "../../src/audio/pcm.ts";
import { VoiceThread } from "../../src/supervisor/voice/voice-thread.ts";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { namedThreads, nicenessOf, threadsAreNamed } from "../fixtures/thread/named-threads.ts";

/** The thread of a server's voice, which agents' services in this thread find. */
function openVoice(t: ExecutionContext) {
  const log: string[] = [];
  const voice = new VoiceThread({
    log: pino({ level: "trace" }, { write: (line: string) => void log.push(JSON.parse(line).event) }),
    entry: new URL("../fixtures/voice/mortal-voice.ts", import.meta.url),
  });
  const connect = async () => {
    const { port, refusal } = voice.connect();
    if (port === null) throw new SharedThreadUnavailableError(refusal);
    return port;
  };
  const withdraw = offerSharedThreads({ voice: { connect } });
  const channel = new BroadcastChannel("mortal-voice");
  t.teardown(async () => {
    withdraw();
    channel.close();
    await voice.stop();
  });
  return { voice, log, kill: () => channel.postMessage("end") };
}

async function speak(tts: local.TTS, text: string): Promise<Int16Array> {
  const pieces = [];
  for await (const { samples } of tts.speak(text, { signal: new AbortController().signal }))
    pieces.push(samples);
  return concatenate(pieces);
}

const onLinux = threadsAreNamed ? test.serial : test.skip;

onLinux("sessions of a server speak by one thread, which ends with the server", async (t) => {
  const launcher = await launch(t, "providers/offline-voice");
  const greet = async (edge: string) => {
    const session = await launcher.startSession({
      callId: edge,
      config: { edge, speed: 4, greeting: "Welcome." },
    });
    const call = await testing.dial(edge);
    t.teardown(() => call.close());
    await call.joined;
    await eventually("the greeting", () => call.recording.durationMs > 300);
    return session;
  };
  const sessions = await Promise.all(["voice-1", "voice-2"].map(greet));
  t.deepEqual([namedThreads("voice"), namedThreads("flite")], [1, 0]);
  t.deepEqual(nicenessOf("voice"), [5], "those that send sound come first");
  await Promise.all(sessions.map(({ id }) => launcher.closeSession(id, { wait: true })));
  t.is(namedThreads("voice"), 1, "it stays for those that come");
  await launcher.stop();
  t.is(namedThreads("voice"), 0);
});

test.serial("where the thread is lost, another one says what it had to say", async (t) => {
  const { log, kill } = openVoice(t);
  const tts = new local.TTS();
  t.teardown(() => tts.close());
  const text = "One is here. Two is there. Is three anywhere? Four is nowhere.";
  const whole = await speak(tts, text);
  const again = speak(tts, text);
  kill();
  t.deepEqual(await again, whole);
  await eventually("its end is told", () => log.includes("voice_failed"));
  t.deepEqual(await speak(tts, text), whole);
});

test.serial("a message that is no request costs only its sender the way to the voice", async (t) => {
  const { voice } = openVoice(t);
  const right = { text: "Hello.", voice: "slt", pace: 1 };
  const wrong = [
    [null],
    [{ ...right, id: "1" }],
    [{ ...right, id: 1, text: "x".repeat(10_000) }],
    [{ ...right, id: 1, voice: "alto" }],
    [{ ...right, id: 1, pace: 0.001 }],
    [
      { ...right, id: 1 },
      { ...right, id: 2 },
      { ...right, id: 3 },
    ],
  ];
  const { port: honest } = voice.connect();
  t.teardown(() => honest?.close());
  for (const messages of wrong) {
    const { port } = voice.connect();
    const closed = once(port!, "close");
    for (const message of messages) port!.postMessage(message);
    await closed;
  }
  honest!.postMessage({ ...right, id: 7 });
  const [{ id, sampleRate }] = await once(honest!, "message");
  t.deepEqual([id, sampleRate], [7, 16_000]);
});
