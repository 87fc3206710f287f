// What an agent of spoken calls is made of: it hears numbers, answers by what it remembers, and says numbers, all without a network.
import { setTimeout as delay } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import type { LlmRequest, SpeechChunk, SpeechEvent, SpeechStream, STT, TTS } from "greenroom";
import { frameMs, lifeOf, rates, sayingOf, sentenceSound, soundMs, wishIn, wordIn } from "./sound.ts";

/** The silent frames that end a word. */
const silentFrames = 3;
const sentencesOfStory = [1, 2, 3, 4, 5];

type Listened = Awaited<ReturnType<STT["listen"]>>;

/** Hears the numbers that a caller says. */
export const recogniser: STT = {
  provider: "numbers",
  model: "numbers",
  listen: async ({ signal }) => listened(signal),
  close: async () => undefined,
};

function listened(signal: AbortSignal): Listened {
  const events: SpeechEvent[] = [];
  let wake = Promise.withResolvers<void>();
  const push = (event: SpeechEvent) => {
    events.push(event);
    wake.resolve();
  };
  let word: number | null = null;
  let silent = 0;
  let frames = 0;
  const stream: SpeechStream = {
    get audioDurationMs() {
      return frames * frameMs;
    },
    write({ samples }) {
      frames += 1;
      const said = wordIn(samples);
      silent = said === null ? silent + 1 : 0;
      if (said !== null && word === null) push({ type: "started" });
      word ??= said;
      if (word === null || silent < silentFrames) return;
      push({ type: "ended", text: `word ${word}`, speechEndedAt: Date.now() - silentFrames * frameMs });
      word = null;
    },
    close: async () => wake.resolve(),
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        yield* events.splice(0);
        wake = Promise.withResolvers();
        if (events.length === 0) await wake.promise;
      }
    },
  };
  signal.addEventListener("abort", () => wake.resolve(), { once: true });
  return stream;
}

/** Says sentences at the speed of a voice that is no bottleneck. */
export const voice: TTS = {
  provider: "numbers",
  model: "numbers",
  async *speak(text, { signal }): AsyncGenerator<SpeechChunk, void, void> {
    const saying = sayingOf(text);
    const chunkMs = 200;
    for (let ms = 0; ms < soundMs(saying) && !signal.aborted; ms += chunkMs) {
      yield {
        samples: sentenceSound(saying, lifeOf(process.pid, threadId), chunkMs),
        sampleRate: rates.spoken,
      };
      await delay(1);
    }
  },
  close: async () => undefined,
};

/** Answers the last number of the conversation: with a list of all numbers, a story or a short sentence, as `wishes` has it. */
export function answerTo({ messages }: LlmRequest): string {
  const words = messages.flatMap((message) =>
    message.role === "participant"
      ? [...message.text.matchAll(/word (\d+)/g)].map(([, word]) => Number(word))
      : [],
  );
  const last = words.at(-1) ?? 0;
  const latest = messages.at(-1);
  if (latest?.role !== "participant") return `And so on ${last}.`;
  // Others write as well, without a number.
  if (!/word \d/.test(latest.text)) return "Hello to you.";
  switch (wishIn(last)) {
    case "list":
      return `Known ${last}: ${words.join(" ")}`;
    case "story":
      return sentencesOfStory
        .map((part) => `Part ${part} of ${last} is long enough for a sentence of its own.`)
        .join(" ");
    case "short":
      return `You said ${last}.`;
  }
}
