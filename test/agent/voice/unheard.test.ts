import test, { type ExecutionContext } from "ava";
import { type AgentOptions, fallback, type LLM } from "greenroom";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

const refused = () => Object.assign(new Error("Unauthorized"), { status: 401 });

async function calling(t: ExecutionContext, stt: testing.STT, options: Partial<AgentOptions> = {}) {
  const edge = new testing.Edge();
  const hosted = new HostedAgent({
    edge,
    stt,
    llm: new testing.LLM(),
    limits: { hearingRetryMs: 20 },
    unheardApology: "I cannot hear you.",
    ...options,
  });
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  const told = () =>
    hosted.events.flatMap((event) =>
      event.type === "participant_unheard" || event.type === "participant_heard"
        ? [`${event.type} ${event.participantId}`]
        : [],
    );
  return { edge, hosted, told };
}

test("a recogniser that refuses is told to all, said once, and tried again until it hears", async (t) => {
  const stt = new testing.STT({ failures: [refused(), refused(), refused()] });
  const { edge, hosted, told } = await calling(t, stt);
  edge.addParticipant("alice");
  const ear = await stt.stream("alice");
  t.deepEqual(told(), ["participant_unheard alice"]);
  const event = hosted.events.find((one) => one.type === "participant_unheard");
  t.is(event?.error.message, "Unauthorized");
  const errors = hosted.measurements.filter((one) => one.kind === "error");
  t.is(errors.length, 3);
  t.like(errors[0], { component: "stt", provider: "testing", error: "http_401" });

  ear.say("Do you hear me?");
  await until(() => hosted.said.length === 2, "the answer");
  t.deepEqual(told(), ["participant_unheard alice", "participant_heard alice"]);
  t.deepEqual(hosted.said, ["I cannot hear you.", "You said: Do you hear me?"]);
});

test("a recogniser that fails in the call: another stream hears what is said after it", async (t) => {
  const stt = new testing.STT();
  const { edge, hosted, told } = await calling(t, stt);
  edge.addParticipant("alice");
  const first = await stt.stream("alice");
  first.error(new Error("gone"), { fatal: true });
  const second = await stt.stream("alice");
  t.not(first, second);
  // It says nothing, but lasts.
  await until(() => told().length === 2, "the end of it");
  t.deepEqual(told(), ["participant_unheard alice", "participant_heard alice"]);
  t.true(second.written.length > 0);
  t.is(hosted.measurements.filter((one) => one.kind === "error").length, 1);
});

test("a stream that ends by itself is a failure too", async (t) => {
  const stt = new testing.STT();
  const { edge, hosted } = await calling(t, stt);
  edge.addParticipant("alice");
  await (await stt.stream("alice")).close();
  await stt.stream("alice");
  const event = hosted.events.find((one) => one.type === "participant_unheard");
  t.is(event?.error.message, "testing script has stopped to listen");
});

test("of several who cannot be heard each is told, and the agent says so once", async (t) => {
  const stt = new testing.STT({ failures: [refused(), refused()] });
  const { edge, hosted, told } = await calling(t, stt);
  edge.addParticipant("alice");
  edge.addParticipant("bob");
  await Promise.all(["alice", "bob"].map((name) => stt.stream(name)));
  await hosted.agent.say("Well.");
  t.deepEqual(told().slice(0, 2).toSorted(), ["participant_unheard alice", "participant_unheard bob"]);
  t.deepEqual(hosted.said, ["I cannot hear you.", "Well."]);
});

test("the agent may say nothing of it; who has left is not tried any more", async (t) => {
  const stt = new testing.STT({ failures: Array.from({ length: 1_000 }, refused) });
  const { edge, hosted, told } = await calling(t, stt, {
    unheardApology: null,
    limits: { hearingRetryMs: 1 },
  });
  const alice = edge.addParticipant("alice");
  const failures = () => hosted.measurements.filter((one) => one.kind === "error").length;
  await until(() => failures() > 3, "the tries");
  alice.leave();
  await hosted.agent.close();
  const tries = failures();
  t.deepEqual(hosted.said, []);
  t.deepEqual(told(), ["participant_unheard alice"]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.is(failures(), tries);
});

/** A service that cannot be reached ahead. */
const unreachable = <Service extends object>(service: Service, provider: string): Service =>
  Object.assign(service, { provider, warm: () => Promise.reject(refused()) });

test("services that cannot be reached ahead are counted, each by its own name", async (t) => {
  const llm: LLM = fallback([new testing.LLM(), unreachable(new testing.LLM(), "second")]);
  const options = {
    edge: new testing.Edge(),
    llm,
    stt: unreachable(new testing.STT(), "ears"),
    tts: new testing.TTS(),
  };
  for (const how of ["prepare", "report"] as const) {
    const hosted = new HostedAgent(options);
    await hosted.handle[how]();
    const errors = () => hosted.measurements.filter((one) => one.kind === "error");
    await until(() => errors().length === 2, "both");
    t.deepEqual(
      errors()
        .map(({ component, provider, error }) => [component, provider, error])
        .toSorted(),
      [
        ["llm", "second", "http_401"],
        ["stt", "ears", "http_401"],
      ],
    );
  }
});

const [first, second, third] = [
  "The first sentence is whole.",
  "The second one breaks off.",
  "The third is not heard.",
];
const answer = `${first} ${second} ${third}`;

/** A sentence of the answer, by its place, fails after so many of its chunks of ten characters. */
async function broken(t: Parameters<typeof VoiceCall.with>[0], place: number, afterChunks: number) {
  const failure = { error: new Error("out of breath"), afterChunks };
  const tts = new testing.TTS({ failures: [...Array(place).fill(null), failure] });
  const llm = new testing.LLM();
  const held = llm.hold();
  const call = await VoiceCall.with(t, { tts, llm, agent: { apology: null } });
  (await call.ear("alice")).say("Tell me.");
  await held.request;
  return { call, held };
}

test("speech that breaks off: what was made before is heard, and nothing after it", async (t) => {
  const { call, held } = await broken(t, 1, 1);
  held.text(answer);
  held.end();
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "failed");
  const heard = call.transcript[1]?.replace("agent: ", "") ?? "";
  t.true(heard.startsWith(`${first} The seco`) && heard.length < first.length + 12, heard);
  // 20 ms a character.
  t.is(call.edge.recording.durationMs, (first.length + 10) * 20);
});

test("a sentence without any sound is not taken for heard", async (t) => {
  const { call, held } = await broken(t, 0, 0);
  held.text(answer);
  held.end();
  await call.turnsOver(1);
  t.deepEqual(call.transcript, ["alice: Tell me."]);
  t.is(call.edge.recording.durationMs, 0);
});

test("a voice that fails: the model is not waited for", async (t) => {
  const { call, held } = await broken(t, 0, 0);
  held.text(`${first} And so on`);
  await held.aborted;
  await until(() => call.turns.length === 1, "the end of the turn");
  t.is(call.turns[0]?.outcome, "failed");
});
