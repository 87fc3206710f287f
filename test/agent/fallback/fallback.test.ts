import test from "ava";
import {
  AllFailedError,
  fallback,
  LLM,
  type LlmEvent,
  type LlmRequest,
  type ServiceWatch,
  type SpeakOptions,
  type SpeechChunk,
  type TTS,
} from "greenroom";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { Rotation } from "../../../src/agent/fallback/rotation.ts";
import * as testing from "../../../src/testing/index.ts";
import { ask, request } from "../../fixtures/providers/one-answer.ts";

type Answer = (request: LlmRequest) => AsyncIterable<LlmEvent>;

/** A model that answers as it is told; `answer` may be changed while it is used. */
class ToldLlm extends LLM {
  readonly provider = "told";
  readonly model: string;
  answer: Answer;
  readonly requests: LlmRequest[] = [];
  readonly did: string[] = [];

  constructor(model: string, answer: Answer = says(model)) {
    super();
    this.model = model;
    this.answer = answer;
  }

  override async warm(): Promise<void> {
    this.did.push("warm");
  }

  generate(asked: LlmRequest): AsyncIterable<LlmEvent> {
    this.requests.push(asked);
    return this.answer(asked);
  }

  override async close(): Promise<void> {
    this.did.push("close");
  }
}

const says = (text: string): Answer =>
  async function* () {
    yield { type: "usage", inputTokens: 1, outputTokens: 0 };
    yield { type: "text", delta: text };
    yield { type: "usage", inputTokens: 1, outputTokens: 1 };
  };

const fails = (message: string, ...before: LlmEvent[]): Answer =>
  async function* () {
    yield* before;
    throw Object.assign(new Error(message), { status: 503 });
  };

const hangs: Answer = async function* ({ signal }) {
  yield { type: "usage", inputTokens: 100, outputTokens: 0 };
  await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
};

/** An answer that never ends, whatever its signal says. */
const stuck: Answer = async function* () {
  await new Promise(() => {});
};

function watched() {
  const told: string[] = [];
  const watch: ServiceWatch = {
    onAsked: ({ provider, model }) => told.push(`${provider} ${model}`),
    onFailed: ({ model }, error) => told.push(`${model} failed: ${(error as Error).message}`),
  };
  return { told, watch };
}

test("the next model is asked where the first fails before its first piece, and who serves is told", async (t) => {
  const usage: LlmEvent = { type: "usage", inputTokens: 7, outputTokens: 0 };
  const llm = fallback([new ToldLlm("a", fails("no", usage)), new ToldLlm("b")]);
  const { told, watch } = watched();
  const { text, events } = await ask(llm, "Hi!", { watch });
  t.is(text, "b");
  t.deepEqual(told, ["told a", "a failed: no", "told b"]);
  // The tokens of a request that brought nothing are not taken for those of the answer.
  t.false(events.some((event) => event.type === "usage" && event.inputTokens === 7));
  t.deepEqual([llm.provider, llm.model], ["told", "a"]);
});

test("what fails after its first piece is an error of the turn, and the next turn goes elsewhere", async (t) => {
  const first = new ToldLlm("a", fails("broke off", { type: "text", delta: "Well" }));
  const llm = fallback([first, new ToldLlm("b")]);
  const { told, watch } = watched();
  const error = await t.throwsAsync(ask(llm, "Hi!", { watch }));
  t.like(error, { message: "broke off", status: 503, pieces: 1 } as object);
  t.deepEqual(told, ["told a"]);
  t.is((await ask(llm, "Hi!")).text, "b");
  t.is(first.requests.length, 1);
});

test("a tool call is a first piece too", async (t) => {
  const call: LlmEvent = { type: "tool_call", call: { id: "1", name: "a", arguments: {} } };
  const called = fallback([new ToldLlm("a", fails("late", call)), new ToldLlm("b")]);
  await t.throwsAsync(ask(called, "Hi!"), { message: "late" });
});

test("one that is too slow for its first piece is given up, and its request closed", async (t) => {
  for (const answer of [hangs, stuck]) {
    const slow = new ToldLlm("a", answer);
    const llm = fallback([slow, new ToldLlm("b")], { timeoutMs: 20 });
    const { told, watch } = watched();
    t.is((await ask(llm, "Hi!", { watch })).text, "b");
    t.true(slow.requests[0]!.signal.aborted);
    t.is(told[1], "a failed: The first piece of told a took longer than 20 ms (timeoutMs of fallback)");
  }
});

test("the last one has all the time of the turn", async (t) => {
  const cancel = new AbortController();
  const last = new ToldLlm("b", hangs);
  const llm = fallback([new ToldLlm("a", fails("no")), last], { timeoutMs: 1 });
  const asking = ask(llm, "Hi!", { signal: cancel.signal });
  while (last.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.false(last.requests[0]!.signal.aborted);
  const reason = new Error("the user speaks");
  cancel.abort(reason);
  t.is(await t.throwsAsync(asking), reason);
  t.true(last.requests[0]!.signal.aborted);
});

test("one that failed is tried again, and is then the first again", async (t) => {
  const first = new ToldLlm("a", fails("no"));
  const llm = fallback([first, new ToldLlm("b")], { retryAfterMs: 1, longestRetryAfterMs: 2 });
  t.is((await ask(llm, "Hi!")).text, "b");
  first.answer = says("a again");
  let text = "";
  while (text !== "a again") ({ text } = await ask(llm, "Hi!"));
  const before = first.requests.length;
  t.is((await ask(llm, "Hi!")).text, "a again");
  t.is(first.requests.length, before + 1);
});

test("the pause before one is tried again grows, and ends with its first success", (t) => {
  let time = 0;
  const [a, b, c] = ["a", "b", "c"].map((model) => ({ provider: "p", model }));
  const rotation = new Rotation([a!, b!, c!], { retryAfterMs: 100, longestRetryAfterMs: 350 }, () => time);
  const order = () =>
    rotation
      .order()
      .map(({ model }) => model)
      .join("");
  t.is(order(), "abc");
  for (const pause of [100, 200, 350, 350]) {
    rotation.failed(a!);
    t.is(order(), "bca");
    time += pause - 1;
    t.is(rotation.better(b!), undefined);
    time += 1;
    t.is(order(), "abc");
    t.is(rotation.better(b!), a);
  }
  rotation.succeeded(a!);
  rotation.failed(a!);
  time += 50;
  rotation.failed(b!);
  // All that pause are asked too, those first whose pause ends first.
  t.is(order(), "cab");
  time += 50;
  t.is(order(), "acb");
  t.is(rotation.better(c!), a);
});

test("only where all fail does the request fail, with the cause of each", async (t) => {
  const llm = fallback([new ToldLlm("a", hangs), new ToldLlm("b", fails("b is down"))], { timeoutMs: 5 });
  const { told, watch } = watched();
  const error = await t.throwsAsync(ask(llm, "Hi!", { watch }), { instanceOf: AllFailedError });
  t.is(
    error.message,
    "All 2 failed: told a: The first piece of told a took longer than 5 ms (timeoutMs of fallback); told b: b is down",
  );
  t.is(error.errors.length, 2);
  t.deepEqual(error.services, [
    { provider: "told", model: "a" },
    { provider: "told", model: "b" },
  ]);
  // The error of the request is that of the last one asked.
  t.is(errorKind(error), "http_503");
  t.deepEqual(told, [
    "told a",
    "a failed: The first piece of told a took longer than 5 ms (timeoutMs of fallback)",
    "told b",
  ]);
  // They are asked again all the same: better than nobody.
  await t.throwsAsync(ask(llm, "Hi!"), { instanceOf: AllFailedError });
});

test("a request that is not wanted any more is nobody's failure", async (t) => {
  const [a, b] = [new ToldLlm("a", hangs), new ToldLlm("b")];
  const llm = fallback([a, b]);
  const cancel = new AbortController();
  const asking = ask(llm, "Hi!", { signal: cancel.signal });
  while (a.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  cancel.abort(new Error("barge-in"));
  await t.throwsAsync(asking, { message: "barge-in" });
  t.is(b.requests.length, 0);
  a.answer = says("a");
  for await (const _ of llm.generate(request("Hi!"))) break;
  t.true(a.requests[1]!.signal.aborted);
  t.is((await ask(llm, "Hi!")).text, "a");
});

test("the functions of the first are those of all", async (t) => {
  const [a, b] = [new ToldLlm("a"), new ToldLlm("b")];
  const execute = () => "done";
  a.registerFunction({ name: "before", description: "…", execute });
  const llm = fallback([a, b]);
  llm.registerFunction({ name: "after", description: "…", execute });
  t.deepEqual([...llm.functions.keys()], ["before", "after"]);
  t.deepEqual([...a.functions.keys()], ["before", "after"]);
  t.throws(() => llm.registerFunction({ name: "after", description: "…", execute }), { message: /already/ });
});

test("all are warmed and closed, whatever one of them throws", async (t) => {
  const [a, b] = [new ToldLlm("a"), new ToldLlm("b")];
  a.warm = a.close = () => Promise.reject(new Error("not today"));
  const llm = fallback([a, b]);
  await t.throwsAsync(llm.warm(new AbortController().signal), { message: "not today" });
  await t.throwsAsync(llm.close(), { message: "not today" });
  t.deepEqual(b.did, ["warm", "close"]);
});

test("what cannot be is refused at once", (t) => {
  const [a, b] = [new ToldLlm("a"), new ToldLlm("b")];
  t.throws(() => fallback([a]), { instanceOf: TypeError, message: /two or more/ });
  t.throws(() => fallback([a, a]), { message: /given twice/ });
  t.throws(() => fallback([a, new ToldTts("b")] as unknown as LLM[]), { message: /only of one kind/ });
  t.throws(() => fallback([a, b], { timeoutMs: 0 }), { message: /timeoutMs must be a whole number/ });
  t.throws(() => fallback([a, b], { timeout: 5 } as object), { message: /no option timeout/ });
});

/** A voice that speaks each character as a sample, or fails. */
class ToldTts implements TTS {
  readonly provider = "told";
  readonly model: string;
  failsAfter: number;
  readonly spoken: [string, SpeakOptions][] = [];

  constructor(model: string, failsAfter = Number.POSITIVE_INFINITY) {
    this.model = model;
    this.failsAfter = failsAfter;
  }

  async *speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk> {
    this.spoken.push([text, options]);
    yield { samples: new Int16Array(0), sampleRate: 16_000 };
    for (let index = 0; index < text.length; index++) {
      if (index >= this.failsAfter) throw new Error(`${this.model} is hoarse`);
      yield { samples: Int16Array.of(text.charCodeAt(index)), sampleRate: 16_000 };
    }
    if (text.length <= this.failsAfter) return;
  }

  async close(): Promise<void> {}
}

async function heard(tts: TTS, text: string, more: Partial<SpeakOptions> = {}): Promise<string> {
  let said = "";
  const { signal } = new AbortController();
  for await (const { samples } of tts.speak(text, { signal, ...more }))
    said += String.fromCharCode(...samples);
  return said;
}

test("the next voice speaks where the first fails before its first sound", async (t) => {
  const [a, b] = [new ToldTts("a", 0), new ToldTts("b")];
  const { told, watch } = watched();
  const tts = fallback([a, b]);
  t.is(await heard(tts, "Hello.", { previousText: "Hi.", watch }), "Hello.");
  t.deepEqual(told, ["told a", "a failed: a is hoarse", "told b"]);
  t.like(b.spoken[0]![1], { previousText: "Hi." });
});

test("a voice that fails in the middle of a sentence fails it", async (t) => {
  const tts = fallback([new ToldTts("a", 2), new ToldTts("b")]);
  await t.throwsAsync(heard(tts, "Hello."), { message: "a is hoarse" });
  t.is(await heard(tts, "Again."), "Again.");
});

test("markup reaches the voices that perform it, and is taken out for the others", async (t) => {
  class Performer extends testing.TTS {
    override readonly markup = { directions: true };
  }
  const first = new Performer({ failures: [{ error: new Error("out of order") }] });
  const second = new testing.TTS();
  const tts = fallback([first, second]);
  t.true(tts.markup?.directions);
  for await (const _ of tts.speak("[laughs] Oh, [whispers] no.", { signal: AbortSignal.timeout(10_000) }));
  t.is(first.spoken[0]?.text, "[laughs] Oh, [whispers] no.");
  t.is(second.spoken[0]?.text, "Oh, no.");
});
