import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import type { SpeechEvent } from "greenroom";
import * as local from "greenroom/local";
import type { Rank, RecognitionRequest } from "../../../src/providers/local/recognition/messages.ts";
import { RequestQueue } from "../../../src/providers/local/recognition/request-queue.ts";
import {
  missingForRecognition,
  speechModel,
  speechModelFolder,
} from "../../../src/shared/recognition/speech-model.ts";
import { listen, openRecogniser, said, turnOf, write } from "../../fixtures/recogniser/open-recogniser.ts";
import { shareRecogniser, wordsOf } from "../../fixtures/recogniser/shared-recogniser.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/** Loading takes seconds: the tests share one, one after the other. The last of them ends it. */
const shared = shareRecogniser();

test("the files of the model are those that are meant, and all that it needs is installed", (t) => {
  t.is(missingForRecognition(), null);
  for (const [name, hash] of Object.entries(speechModel.files)) {
    const bytes = readFileSync(join(speechModelFolder()!, name));
    t.is(createHash("sha256").update(bytes).digest("hex"), hash, name);
  }
});

test.serial("what is said becomes words, which are there before the turn has ended", async (t) => {
  const stt = new local.STT();
  t.deepEqual([stt.words, stt.model, stt.language], [true, "moonshine-tiny", "en"]);
  const { stream, events } = await listen(t, { captionMs: 0, endMs: 900 });
  write(stream, await said("What is the weather in Paris?"));
  const turn = await turnOf(events);
  t.is(wordsOf(turn), "what is the weather in paris");
  t.is(turn[0]?.type, "started");
  // In two pieces with a pause between them it is one turn, whose end was guessed too early.
  const two = [(await said("What is the weather")).subarray(0, -11_000), await said("in Paris and in Rome?")];
  for (const piece of two) write(stream, piece);
  t.is(wordsOf(await turnOf(events)), "what is the weather in paris and in rome");
  t.true(shared().log.some((line) => /moonshine-tiny.*loaded in .* s, some 448 MiB/.test(line)));
});

test.serial(
  "an eager end comes while the turn may still go on, and is taken back where it does",
  async (t) => {
    const { stream, events } = await listen(t, { endMs: 5_000, captionMs: 0 });
    const seen: SpeechEvent[] = [];
    const next = async (type: SpeechEvent["type"]) => {
      while (seen.at(-1)?.type !== type) seen.push((await events.next()).value);
    };
    write(stream, await said("Hello there."));
    await next("eager_end");
    write(stream, await said("What time is it?"));
    await next("resumed");
    t.deepEqual(
      seen.map(({ type }) => type),
      ["started", "eager_end", "resumed"],
    );
  },
);

test.serial("a thread that sends nonsense loses its port, and nobody else does", async (t) => {
  const { recogniser } = shared();
  const { stream, events } = await listen(t, { captionMs: 0 });
  const nonsense: unknown[] = [
    null,
    "recognise",
    { type: "recognise", id: 1, rank: "turn", samples: new Float32Array(10) },
    { type: "recognise", id: 1, rank: "first", samples: new Int16Array(10) },
    { type: "recognise", id: 1, rank: "turn", samples: new Int16Array(16_000 * 31) },
    { type: "keyterms", terms: [1] },
    { type: "keyterms", terms: Array.from({ length: 101 }, () => "x") },
  ];
  for (const value of nonsense) {
    const { port } = recogniser.connect(2);
    const closed = new Promise((resolve) => port!.once("close", resolve));
    port!.start();
    port!.postMessage(value);
    await closed;
  }
  const flooding = recogniser.connect(3).port!;
  flooding.start();
  const closed = new Promise((resolve) => flooding.once("close", resolve));
  for (let id = 0; id < 300; id += 1) {
    flooding.postMessage({ type: "recognise", id, rank: "caption", samples: new Int16Array(1_600) });
  }
  await closed;
  write(stream, await said("Thank you very much."));
  t.is(wordsOf(await turnOf(events)), "thank you very much");
});

longForm("ended for memory, it does not come back at once", async (t) => {
  const { recogniser } = shared();
  const { stream, events } = await listen(t, { captionMs: 0 });
  write(stream, await said("Hello there."));
  await turnOf(events);
  t.true(recogniser.shed());
  const { value } = await events.next();
  t.true(value.type === "error" && !value.fatal);
  const last = await events.next();
  t.true(last.value.type === "error" && last.value.fatal, "the call goes on without words");
  t.true((await events.next()).done);
  t.regex(recogniser.connect(1).refusal, /too little memory/);
});

longForm("where there is none, it goes on without words, and says why once", async (t) => {
  const { recogniser } = openRecogniser(t, { roomBytes: () => 100 * 2 ** 20 });
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (message: string) => warnings.push(message);
  t.teardown(() => {
    console.warn = warn;
  });
  const stt = new local.STT();
  const stream = await stt.listen({ signal: new AbortController().signal });
  t.teardown(() => stream.close());
  write(stream, await said("Hello there."));
  const ended = (await turnOf(stream[Symbol.asyncIterator]())).at(-1);
  t.true(ended?.type === "ended" && ended.text === "" && ended.speechMs! > 300);
  t.deepEqual(warnings, [
    "local.STT tells no words: it needs 448 MiB of memory, and the process has 100 MiB left",
  ]);
  t.false(recogniser.shed(), "there is none");
});

for (const [options, says] of [
  [{ captionMs: 50 }, /captionMs must be one of 0, or a number from 100 to 60000/],
  [{ keyterms: ["x".repeat(65)] }, /keyterms must be a list of at most 100 texts/],
  [{ eagerMs: 1 }, /eagerMs must be a number from 60/],
] as const) {
  test(`it refuses ${JSON.stringify(options).slice(0, 40)}`, (t) => {
    t.throws(() => new local.STT(options), { instanceOf: TypeError, message: says });
  });
}

const ask = (id: number, rank: Rank): RecognitionRequest => ({
  type: "recognise",
  id,
  rank,
  samples: new Int16Array(0),
});

/** Returns what is taken out, until nothing is left. */
function drained(queue: RequestQueue<string>): string[] {
  const order: string[] = [];
  for (let job = queue.next(); job !== null; job = queue.next())
    order.push(`${job.listener}${job.request.id}`);
  return order;
}

test("ends of turns come first, guesses then, captions last, each in the order of asking", (t) => {
  const queue = new RequestQueue<string>();
  queue.add("a", ask(1, "caption"));
  queue.add("b", ask(2, "guess"));
  queue.add("c", ask(3, "turn"));
  queue.add("d", ask(4, "guess"));
  queue.add("e", ask(5, "turn"));
  t.true(queue.hasMoreUrgent("caption"));
  t.false(queue.hasMoreUrgent("turn"));
  t.deepEqual(drained(queue), ["c3", "e5", "b2", "d4", "a1"]);
  t.false(queue.hasMoreUrgent("caption"));
});

test("of a listener the newest guess or caption waits, and every end of a turn, up to eight", (t) => {
  const queue = new RequestQueue<string>();
  const ids = (requests: RecognitionRequest[]) => requests.map(({ id }) => id);
  t.deepEqual(ids(queue.add("a", ask(1, "caption"))), []);
  t.deepEqual(ids(queue.add("a", ask(2, "caption"))), [1]);
  t.deepEqual(ids(queue.add("a", ask(3, "guess"))), [2]);
  t.deepEqual(ids(queue.add("a", ask(4, "caption"))), [4], "a guess tells more");
  t.deepEqual(ids(queue.add("a", ask(5, "turn"))), [3], "it is a part of the turn");
  t.deepEqual(ids(queue.add("a", ask(6, "guess"))), [], "of the next turn");
  for (let id = 7; id < 14; id += 1) queue.add("a", ask(id, "turn"));
  t.deepEqual(ids(queue.add("a", ask(14, "turn"))), [5]);
  t.is(drained(queue).length, 8);
});

test("whoever is gone is not served", (t) => {
  const queue = new RequestQueue<string>();
  queue.add("a", ask(1, "turn"));
  queue.add("b", ask(2, "caption"));
  queue.forget("a");
  t.deepEqual(drained(queue), ["b2"]);
});
