import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { PcmFrame } from "greenroom";
import * as testing from "greenroom/testing";
import { startStream } from "../../emulators/stream.ts";
import { Child, temporaryFolder } from "../../fixtures/runner/child.ts";
import { testCall } from "../../fixtures/stream/caller.ts";
import { StreamPerson } from "../../fixtures/stream/person.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import { startServices } from "../../fixtures/voice/voice-stage.ts";

// The example of docs/agents.md, as it is printed there: a program of its own that is told by its environment alone where the
// services are. Somebody in the call asks about the weather, out of a WAV file, and hears the answer.

const example = join(import.meta.dirname, "../../../examples/stream-agent.ts");
const question = "What is the weather like in Amsterdam today?";
const apiKey = "k".repeat(20);

/** The time of each character of the emulator's voice, in milliseconds; letters and digits are the tone of their place. */
const characterMs = 60;
const frequencyAt = (place: number) => ((18 + 2 * (place % 40)) * 1_000) / characterMs;

/**
 * Returns the share of a text's letters that is heard in the sound: word by word, each where most of it is, after the one
 * before.
 */
function shareHeard(text: string, { samples, sampleRate }: PcmFrame): number {
  const each = (sampleRate * characterMs) / 1_000;
  const sounds = (place: number, from: number): boolean => {
    const begin = from + place * each + each * 0.2;
    const middle = samples.subarray(begin, begin + each * 0.6);
    return testing.shareOf(frequencyAt(place), { samples: middle, sampleRate }) > 0.5;
  };
  let letters = 0;
  let heard = 0;
  let start = 0;
  for (const { index, 0: word } of text.matchAll(/\S+/g)) {
    const places = [...word].flatMap((letter, at) => (/[\p{L}\p{N}]/u.test(letter) ? [index + at] : []));
    let best = { count: 0, from: start };
    const end = samples.length - (index + word.length) * each;
    for (let from = start; from <= end; from += sampleRate / 100) {
      const count = places.filter((place) => sounds(place, from)).length;
      if (count > best.count) best = { count, from };
    }
    letters += places.length;
    heard += best.count;
    start = best.from;
  }
  return heard / letters;
}

async function spokenQuestion(t: ExecutionContext): Promise<PcmFrame> {
  const path = join(temporaryFolder(t), "question.wav");
  await testing.writeWav(path, testing.tone(400, 1_500, { sampleRate: 48_000 }));
  return testing.readWav(path);
}

test("a WAV asks about the weather in a call on Stream, and the spoken answer comes back", async (t) => {
  t.timeout(120_000);
  const services = await startServices(t, "published");
  await using stream = await startStream();
  services.deepgram.script.phrases = [question];
  const env = Object.assign(
    { GREENROOM_API_KEYS: `tester:${apiKey}`, WEATHER_API_URL: "offline" },
    ...[...Object.values(services), stream].map(({ environment }) => environment),
  );
  const server = new Child(t, [example, "serve", "--port", "0", "--drain-announce-ms", "0"], { env });
  const url = await server.readyUrl();
  const ask = async (path: string, options: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    return fetch(url + path, { ...options, headers: { connection: "close", ...headers } });
  };

  const ann = await StreamPerson.join(t, stream, "ann");
  const started = await ask("/sessions", {
    method: "POST",
    body: JSON.stringify({ call_type: testCall.callType, call_id: testCall.callId }),
  });
  t.is(started.status, 201);
  const { session_id: id } = (await started.json()) as { session_id: string };
  const said = () =>
    services.elevenlabs.log.of("request").flatMap(({ body }) => {
      const { text } = (body ?? {}) as { text?: string };
      return text === undefined ? [] : [text];
    });
  // It begins by itself; the question comes once it has said that.
  await ann.hears("agent");
  await ann.hearsNothingOf("agent", 1_000);
  const before = said().length;
  const asked = ann.heard("agent").length;
  await ann.say(await spokenQuestion(t));
  await until(() => said().length > before, "an answer", 20_000);
  await ann.hears("agent");
  await ann.hearsNothingOf("agent", 1_500);

  const [answer = ""] = said().slice(before);
  t.regex(answer, /Amsterdam/);
  const frames = ann.heard("agent").slice(asked);
  const samples = Int16Array.from(frames.flatMap((frame) => [...frame.samples]));
  const share = shareHeard(answer, { samples, sampleRate: 16_000 });
  t.log(`${answer} — ${Math.round(share * 100)} % of it was recognised by ear`);
  t.true(share > 0.7, `${share}`);
  const [tool] = services.gemini.log
    .of("request")
    .map(({ body }) => JSON.stringify(body))
    .filter((body) => body.includes("functionResponse"));
  t.regex(tool ?? "", /Amsterdam/);

  t.is((await ask(`/sessions/${id}`, { method: "DELETE" })).status, 204);
  await ann.caller.log.seen("participant_left");
  t.deepEqual(stream.call("default:c1").ghosts, []);
  server.kill("SIGTERM");
  t.deepEqual(await server.exit, { code: 0, signal: null });
  t.is(server.stderr, "");
  t.false(/eyJ[\w-]+\.eyJ|emulated-secret/.test(server.stdout), "no token in the log");
});
