import test, { type ExecutionContext } from "ava";
import {
  AllFailedError,
  fallback,
  type ListenOptions,
  type SpeechEvent,
  type SpeechStream,
  type STT,
} from "greenroom";
import { AsyncQueue } from "../../../src/agent/async-queue.ts";

/** A stream that hears what a test tells it. */
class ToldStream implements SpeechStream {
  readonly written: number[] = [];
  readonly events = new AsyncQueue<SpeechEvent>();
  readonly options: ListenOptions;
  closed = false;

  constructor(options: ListenOptions) {
    this.options = options;
  }

  get audioDurationMs(): number {
    return this.written.length * 20;
  }

  write({ samples }: { samples: Int16Array }): void {
    this.written.push(samples[0]!);
  }

  hears(...events: SpeechEvent[]): void {
    for (const event of events) this.events.push(event);
  }

  /** Lets the listener fail for good; it is of no use any more. */
  dies(message: string): void {
    this.events.push({ type: "error", error: new Error(message), fatal: true });
    this.events.end();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.events.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.events[Symbol.asyncIterator]();
  }
}

/** A recogniser that opens streams, or does not. */
class ToldStt implements STT {
  readonly provider = "told";
  readonly model: string;
  opens: "at once" | "never" | "late" = "at once";
  readonly streams: ToldStream[] = [];
  readonly #late = Promise.withResolvers<void>();
  readonly #opened = new Set<() => void>();

  constructor(model: string, opens: ToldStt["opens"] = "at once") {
    this.model = model;
    this.opens = opens;
  }

  async listen(options: ListenOptions): Promise<SpeechStream> {
    if (this.opens === "never") throw Object.assign(new Error(`${this.model} is deaf`), { status: 503 });
    if (this.opens === "late") await this.#late.promise;
    const stream = new ToldStream(options);
    this.streams.push(stream);
    for (const told of this.#opened) told();
    return stream;
  }

  openLate(): void {
    this.#late.resolve();
  }

  /** The nth stream, from 1. */
  async stream(count: number): Promise<ToldStream> {
    while (this.streams.length < count) {
      await new Promise<void>((resolve) => {
        this.#opened.add(resolve);
      });
    }
    return this.streams[count - 1]!;
  }

  async close(): Promise<void> {}
}

const frame = (value: number) => ({ samples: Int16Array.of(value), sampleRate: 16_000 });

async function listening(t: ExecutionContext, members: readonly STT[], options: object = {}) {
  const told: string[] = [];
  const stream = await fallback(members, { retryAfterMs: 60_000, ...options }).listen({
    participantId: "alice",
    signal: new AbortController().signal,
    watch: {
      onAsked: ({ model }) => told.push(model),
      onFailed: ({ model }, error) => told.push(`${model} failed: ${(error as Error).message}`),
    },
  });
  t.teardown(() => stream.close());
  const events = stream[Symbol.asyncIterator]();
  const next = async (): Promise<SpeechEvent | undefined> => (await events.next()).value ?? undefined;
  return { stream, told, next };
}

const ended = (text: string): SpeechEvent => ({ type: "ended", text, speechEndedAt: 1 });

test("the next recogniser listens where the first does not open", async (t) => {
  const [a, b] = [new ToldStt("a", "never"), new ToldStt("b")];
  const { stream, told, next } = await listening(t, [a, b]);
  t.deepEqual(told, ["a", "a failed: a is deaf", "b"]);
  stream.write(frame(1));
  b.streams[0]!.hears({ type: "started" }, ended("hello"));
  t.deepEqual([await next(), await next()], [{ type: "started" }, ended("hello")]);
  t.is(stream.audioDurationMs, 20);
  t.is(b.streams[0]!.options.participantId, "alice");
});

test("one that opens too late is closed", async (t) => {
  const [a, b] = [new ToldStt("a", "late"), new ToldStt("b")];
  const { told } = await listening(t, [a, b], { timeoutMs: 10 });
  t.deepEqual(told, ["a", "a failed: told a to listen took longer than 10 ms (timeoutMs of fallback)", "b"]);
  a.openLate();
  const late = await a.stream(1);
  while (!late.closed) await new Promise((resolve) => setImmediate(resolve));
  t.true(late.options.signal.aborted);
});

test("where all fail to open, listening fails, with the cause of each", async (t) => {
  const opening = listening(t, [new ToldStt("a", "never"), new ToldStt("b", "never")]);
  const error = await t.throwsAsync(opening, { instanceOf: AllFailedError });
  t.is(error.message, "All 2 failed: told a: a is deaf; told b: b is deaf");
});

test("where one dies in the middle of a turn, the next takes over with the words heard so far", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b")];
  const { stream, told, next } = await listening(t, [a, b]);
  stream.write(frame(1));
  a.streams[0]!.hears(
    { type: "started" },
    { type: "partial", text: "I would" },
    { type: "eager_end", text: "I would like", speechEndedAt: 5 },
  );
  t.deepEqual(
    [await next(), await next(), await next()].map((event) => event?.type),
    ["started", "partial", "eager_end"],
  );
  a.streams[0]!.dies("gone");
  // What it thought of the end of the turn does not hold any more.
  t.deepEqual(await next(), { type: "resumed" });
  const taken = await b.stream(1);
  taken.hears({ type: "started" }, { type: "partial", text: "a" }, ended("a coffee"));
  t.deepEqual(await next(), { type: "partial", text: "I would like a" });
  t.deepEqual(await next(), ended("I would like a coffee"));
  taken.hears({ type: "started" }, ended("please"));
  t.deepEqual([await next(), await next()], [{ type: "started" }, ended("please")]);
  stream.write(frame(2));
  t.deepEqual([a.streams[0]!.written, taken.written], [[1], [2]]);
  t.is(stream.audioDurationMs, 40);
  t.deepEqual(told, ["a", "a failed: gone", "b"]);
  t.true(a.streams[0]!.closed && a.streams[0]!.options.signal.aborted);
});

test("sound that comes while the next one opens is kept", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b", "late")];
  const { stream, told } = await listening(t, [a, b]);
  a.streams[0]!.dies("gone");
  while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
  for (let value = 0; value < 300; value++) stream.write(frame(value));
  b.openLate();
  const taken = await b.stream(1);
  while (taken.written.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual([taken.written.length, taken.written[0], taken.written.at(-1)], [250, 50, 299]);
});

test("a turn whose end nobody saw ends, since the next one hears nothing", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b")];
  const { next } = await listening(t, [a, b]);
  a.streams[0]!.hears({ type: "started" }, { type: "partial", text: "that is all" });
  t.is((await next())?.type, "started");
  t.is((await next())?.type, "partial");
  // The wait for it does not hold the process.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  a.streams[0]!.dies("gone");
  t.deepEqual(await next(), { type: "ended", text: "that is all", speechEndedAt: null });
});

test("between two turns the first one is tried again, and takes over", async (t) => {
  const [a, b] = [new ToldStt("a", "never"), new ToldStt("b")];
  const { stream, told, next } = await listening(t, [a, b], { retryAfterMs: 1, longestRetryAfterMs: 1 });
  const second = b.streams[0]!;
  a.opens = "at once";
  for (let turn = 0; a.streams.length === 0; turn++) {
    second.hears({ type: "started" }, ended(`turn ${turn}`));
    t.is((await next())?.type, "started");
    t.deepEqual(await next(), ended(`turn ${turn}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (!second.closed) await new Promise((resolve) => setImmediate(resolve));
  const first = a.streams[0]!;
  first.hears({ type: "started" }, ended("back"));
  t.deepEqual([await next(), await next()], [{ type: "started" }, ended("back")]);
  stream.write(frame(1));
  t.deepEqual(first.written, [1]);
  t.deepEqual(told, ["a", "a failed: a is deaf", "b", "a"]);
});

test("one that is ready in the middle of a turn waits for its end", async (t) => {
  const [a, b] = [new ToldStt("a", "never"), new ToldStt("b")];
  const { next } = await listening(t, [a, b], { retryAfterMs: 1, longestRetryAfterMs: 1 });
  const second = b.streams[0]!;
  a.opens = "late";
  const opening = a.stream(1);
  for (let turn = 0; turn < 20; turn++) {
    second.hears({ type: "started" }, ended("one"));
    t.is((await next())?.type, "started");
    t.is((await next())?.type, "ended");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  second.hears({ type: "started" });
  t.is((await next())?.type, "started");
  a.openLate();
  const first = await opening;
  first.hears({ type: "started" }, ended("not heard"));
  await new Promise((resolve) => setImmediate(resolve));
  second.hears(ended("two"));
  t.deepEqual(await next(), ended("two"));
  while (!second.closed) await new Promise((resolve) => setImmediate(resolve));
  first.hears({ type: "started" }, ended("three"));
  t.deepEqual([await next(), await next()], [{ type: "started" }, ended("three")]);
});

test("ears that open and die at once are given up, each after one try", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b")];
  const { told, next } = await listening(t, [a, b]);
  a.streams[0]!.dies("a fell off");
  (await b.stream(1)).dies("b fell off");
  const event = await next();
  t.like(event, { type: "error", fatal: true });
  const { error } = event as Extract<SpeechEvent, { type: "error" }>;
  t.is(error.message, "All 2 failed: told a: a fell off; told b: b fell off");
  t.is(await next(), undefined);
  t.deepEqual([a.streams.length, b.streams.length], [1, 1]);
  t.deepEqual(told, ["a", "a failed: a fell off", "b", "b failed: b fell off"]);
});

test("without a watch, a change of ears is told as an error that is not fatal", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b")];
  const stream = await fallback([a, b]).listen({ participantId: "p", signal: new AbortController().signal });
  const events = stream[Symbol.asyncIterator]();
  a.streams[0]!.dies("gone");
  t.like((await events.next()).value, { type: "error", fatal: false });
  await b.stream(1);
  await stream.close();
  t.true((await events.next()).done);
  t.true(b.streams[0]!.closed);
});

test("a participant who is not listened to any more ends it, and opens nothing", async (t) => {
  const [a, b] = [new ToldStt("a"), new ToldStt("b")];
  const cancel = new AbortController();
  const stream = await fallback([a, b]).listen({ participantId: "p", signal: cancel.signal });
  cancel.abort(new Error("left"));
  t.true(a.streams[0]!.options.signal.aborted);
  await a.streams[0]!.close();
  t.true((await stream[Symbol.asyncIterator]().next()).done);
  await stream.close();
  t.is(b.streams.length, 0);
});
