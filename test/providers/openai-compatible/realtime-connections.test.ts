import test, { type ExecutionContext } from "ava";
import type * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { RealtimeFault } from "../../emulators/openai/realtime/script.ts";
import { Listener } from "../../fixtures/providers/listener.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { said, write } from "../../fixtures/recogniser/open-recogniser.ts";

async function stage(
  t: ExecutionContext,
  { model, ...options }: openaiCompatible.RealtimeSTTOptions & { readonly model?: string } = {},
) {
  const { emulator, realtime } = await openaiStage(t);
  return { emulator, listener: await Listener.on(realtime(model, options)) };
}

/** Listens, which is to fail, and resolves with the error and the handshakes that it took. */
async function failure(
  t: ExecutionContext,
  fault: RealtimeFault,
  options: openaiCompatible.RealtimeSTTOptions & { readonly model?: string } = {},
) {
  const { emulator, realtime } = await openaiStage(t);
  emulator.realtime.always = fault;
  const { model, ...more } = options;
  const error = (await t.throwsAsync(() =>
    Listener.on(realtime(model, more)),
  )) as openaiCompatible.OpenAICompatibleError;
  return { error, emulator, handshakes: emulator.log.of("realtime_handshake").length };
}

test("a refusal of no use to repeat ends at once, with its kind and without the key", async (t) => {
  const key = await failure(t, {}, { apiKey: "wrong-key-1234" });
  t.like(key.error, {
    name: "OpenAICompatibleError",
    kind: "unauthorized",
    status: 401,
    code: "invalid_api_key",
  });
  t.false(key.error.message.includes("wrong-key-1234"));
  t.is(errorKind(key.error), "invalid_api_key");
  t.is(key.handshakes, 1);
  const model = await failure(t, {}, { model: "gpt-9-transcribe" });
  t.like(model.error, { kind: "model", code: "model_not_found" });
  t.is(model.handshakes, 1);
  const quota = await failure(t, { status: 429, code: "insufficient_quota" });
  t.like(quota.error, { kind: "quota", status: 429 });
  t.is(quota.handshakes, 1);
});

test("a refusal that passes is tried again, as often as the option allows", async (t) => {
  const { emulator, realtime } = await openaiStage(t);
  emulator.realtime.faults.push({ status: 503 }, { status: 429 }, { cutAfterMs: 0 });
  const listener = await Listener.on(realtime());
  listener.talk({ speech: 400, silence: 1_000 });
  await listener.heard("ended");
  t.is(emulator.log.of("realtime_handshake").length, 4);
  const { error, handshakes } = await failure(t, { status: 500 }, { connectAttempts: 3 });
  t.like(error, { kind: "server", status: 500 });
  t.is(handshakes, 3);
  const long = await failure(t, { status: 429, retryAfterSeconds: 60 });
  t.like(long.error, { kind: "busy", retryAfterMs: 60_000 });
  t.is(long.handshakes, 1, "nobody waits for a minute");
});

test("a handshake and a session that are not answered have a deadline", async (t) => {
  const limits = { connectTimeoutMs: 100, connectAttempts: 2 };
  const hung = await failure(t, { hangs: true }, limits);
  t.like(hung.error, { kind: "network", code: "ETIMEDOUT" });
  t.regex(hung.error.message, /took longer than 100 ms \(connectTimeoutMs\)$/);
  t.is(hung.handshakes, 2);
  const mute = await failure(t, { ignoresSession: true }, limits);
  t.like(mute.error, { kind: "network", code: "ETIMEDOUT" });
  t.is(errorKind(mute.error), "timeout");
});

test("a connection that is cut in mid-turn is replaced, and the whole turn is heard again", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  emulator.realtime.sessions[0]!.cut();
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.is(errorKind(error), "network");
  await emulator.log.seen("realtime_open", 2);
  listener.talk({ speech: 400, silence: 1_000 });
  // The words are those that the second session hears: of the turn's beginning too.
  t.is((await listener.heard("ended")).text, "What is the weather like in Amsterdam today?");
  t.deepEqual(
    listener.story.filter((event) => /^(started|ended|resumed)/.test(event)),
    ["started", "ended(What is the weather like in Amsterdam today?)"],
  );
  const bytes = (connection: number) =>
    emulator.log.of("realtime_audio").filter((entry) => entry.connection === connection).length;
  t.true(bytes(1) >= bytes(0) + 15, `${bytes(0)} ${bytes(1)}`);
});

test("a turn whose end was told when the connection was cut is sent again with its end", async (t) => {
  const { emulator, listener } = await stage(t, { model: "gpt-live-transcribe" });
  emulator.realtime.faults.push({ neverTranscribes: true });
  emulator.realtime.sessions[0]!.cut();
  await emulator.log.seen("realtime_open", 2);
  const committed = emulator.log.find("realtime_message", ({ message }) =>
    /commit/.test(JSON.stringify(message)),
  );
  write(listener.stream, await said("What is the weather like in Paris?"));
  await committed;
  emulator.realtime.sessions[0]!.cut();
  await listener.heard("ended");
  t.deepEqual(
    listener.story.filter((event) => /^(started|ended)/.test(event)).map((event) => event.slice(0, 5)),
    ["start", "ended"],
  );
});

test("a session that has lasted its longest time is followed by another", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400, silence: 1_000 });
  await listener.heard("ended");
  emulator.realtime.sessions[0]!.expire();
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.like(error, { code: "session_expired" });
  await emulator.log.seen("realtime_open", 2);
  listener.talk({ speech: 400, silence: 1_000 });
  t.is((await listener.heard("ended", 2)).text, "What is the weather like in Amsterdam today?");
});

test("words that never come make another session hear the turn", async (t) => {
  const { emulator, realtime } = await openaiStage(t);
  emulator.realtime.faults.push({ neverTranscribes: true });
  const listener = await Listener.on(realtime("gpt-4o-transcribe", { timeoutMs: 100 }));
  listener.talk({ speech: 400, silence: 1_000 });
  const { error } = await listener.heard("error");
  t.like(error, { kind: "network", code: "ETIMEDOUT" });
  t.regex(error.message, /\(timeoutMs\)$/);
  t.is((await listener.heard("ended")).text, "What is the weather like in Amsterdam today?");
  t.is(listener.of("started").length, 1);
});

test("a connection on which nothing arrives any more is replaced", async (t) => {
  const { emulator, listener } = await stage(t, { keepAliveIntervalMs: 1_000 });
  await emulator.log.seen("realtime_ping");
  emulator.realtime.sessions[0]!.silence();
  const { error } = await listener.heard("error");
  t.like(error, { code: "ETIMEDOUT" });
  await emulator.log.seen("realtime_open", 2);
  listener.talk({ speech: 400, silence: 1_000 });
  await listener.heard("ended");
});

test("a key that is withdrawn in mid-call ends the stream: the turn, then the fatal error", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  emulator.realtime.sessions[0]!.sendError({
    type: "authentication_error",
    code: "invalid_api_key",
    message: "Gone.",
  });
  await listener.done;
  t.deepEqual(listener.story.slice(-2), ["ended()", "error"]);
  t.like(listener.of("error")[0], { fatal: true });
});

test("a signal that fires ends it at once, and closing everything frees every connection", async (t) => {
  const { emulator, realtime } = await openaiStage(t);
  const stt = realtime();
  const cancel = new AbortController();
  const listener = new Listener(await stt.listen({ participantId: "anna", signal: cancel.signal }));
  cancel.abort(new Error("gone"));
  await listener.done;
  await emulator.log.seen("realtime_close");
  const local = realtime("gpt-live-transcribe");
  const others = await Promise.all([Listener.on(stt), Listener.on(local), Listener.on(local)]);
  await Promise.all([stt.close(), local.close(), stt.close()]);
  await Promise.all(others.map(({ done }) => done));
  await emulator.log.seen("realtime_close", 4);
  t.is(emulator.realtime.sessions.length, 0);
  await t.throwsAsync(() => Listener.on(stt), { message: "openaiCompatible.RealtimeSTT is closed" });
  emulator.realtime.always = { hangs: true };
  const late = new AbortController();
  const opening = realtime().listen({ participantId: "anna", signal: late.signal });
  await emulator.log.seen("realtime_handshake", 5);
  late.abort(new Error("not wanted"));
  await t.throwsAsync(opening, { message: "not wanted" });
});
