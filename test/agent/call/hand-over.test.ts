import test from "ava";
import type { LlmRequest } from "greenroom";
import * as testing from "greenroom/testing";
import { restOfWords } from "../../../src/agent/resume/take-up.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

const given = { outcome: "given", value: {} } as const;
/** The answer where nothing is heard any more. */
const handedOver = { outcome: "given", value: { soundLeftMs: 0 } } as const;
const story = "Once";

/** An agent in a call that can be handed over. */
class Handed {
  readonly hosted: HostedAgent;
  readonly #llm: testing.LLM;
  /** The state of the call as it was told last. */
  state = "";

  constructor(state: string | null, restore: boolean) {
    this.#llm = new testing.LLM({ otherwise: (request: LlmRequest) => replyTo(request, state === null) });
    this.#llm.registerFunction({
      name: "linger",
      description: "Never ends",
      execute: () => new Promise(() => {}),
    });
    const heard = { turnId: "", text: "" };
    this.hosted = new HostedAgent(
      { llm: this.#llm, restore },
      {
        state: (told) => {
          this.state = told ?? "";
        },
        resumption: state === null ? null : { reason: "drained", times: 1, state, heard, rests: false },
      },
    );
  }

  /** Resolves once the agent is in its call and its own code is done. */
  async joined(): Promise<this> {
    await this.hosted.join();
    await this.hosted.agent.simpleResponse("Greet");
    void this.hosted.agent.finish();
    return this;
  }

  /** Hands the call over. Resolves with the answer. */
  handOver(withinMs: number) {
    return this.hosted.handle.answer({ about: "hand_over", withinMs });
  }

  handBack() {
    return this.hosted.handle.answer({ about: "hand_back" });
  }

  /** Returns the agent that takes up the call, which has not joined yet. */
  successor(): Handed {
    return new Handed(this.state, true);
  }

  /** Ends it as one whose call goes on elsewhere. */
  async moved(): Promise<void> {
    this.hosted.handle.close(Object.assign(new Error("moved"), { closeReason: "drained", moved: true }));
    await this.hosted.agent.close();
  }

  /** Resolves once somebody has said these words. */
  async says(text: string): Promise<void> {
    await eventually(text, () => this.conversation.some((words) => words.endsWith(`: ${text}`)));
  }

  /** The final words of all, in order: `alice: …`, `agent: …`. */
  get conversation(): string[] {
    return this.hosted.events.flatMap((event) =>
      event.type === "transcript" && event.final ? [`${event.participantId}: ${event.text}`] : [],
    );
  }

  get outcomes(): string[] {
    return this.hosted.events.flatMap((event) => (event.type === "turn" ? [event.outcome] : []));
  }

  /** The conversation as the model was shown it last. */
  get shown(): string[] {
    return (this.#llm.requests.at(-1)?.messages ?? []).flatMap((message) =>
      "text" in message ? [`${message.role}: ${message.text}`] : [],
    );
  }
}

function replyTo({ messages }: LlmRequest, isFirst: boolean): string | readonly testing.LlmStep[] {
  const last = messages.at(-1);
  if (last?.role === "tools") return `Done: ${last.results.map(({ output }) => output).join()}`;
  if (last?.role === "instruction") return last.text === "Greet" ? "Hello there." : "and so on.";
  if (last?.text === "linger") return [{ call: "linger" }];
  if (last?.text === "take long") return [{ delayMs: 100 }, { text: "At last." }];
  if (last?.text === "tell a story") return [{ text: story }, { hang: true }];
  if (last?.text === "think" && isFirst) return [{ hang: true }];
  return `You said: ${last?.text}`;
}

const inCall = (restore = true) => new Handed(null, restore).joined();

/** Resolves once the agent is in the middle of a story. */
async function inStory(): Promise<Handed> {
  const one = await inCall();
  one.hosted.type("tell a story");
  await eventually("the story", () =>
    one.hosted.events.some((event) => event.type === "transcript" && event.delta === story),
  );
  return one;
}

test("in a session thread a call is handed over between two turns, and nothing is said again", async (t) => {
  const said = (thread: AgentThread, text: string) =>
    thread.event("transcript", (event) => event.role === "agent" && event.final && event.text === text);
  const before = await new AgentThread(t, agentUrl("calls/come-back")).join();
  await said(before, "Hello there.");
  t.deepEqual(await before.ask({ about: "hand_over", withinMs: 60_000 }), handedOver);
  const after = new AgentThread(t, agentUrl("calls/come-back"));
  const { state } = before;
  after.assign({
    resumption: { reason: "drained", times: 1, state, heard: { turnId: "", text: "" }, rests: false },
  });
  after.type("hello");
  await said(after, "You said: hello");
  before.close("drained", true);
  await before.next("ended");
  t.deepEqual(
    [before, after].map(
      ({ events }) => events.filter((event) => event.type === "transcript" && event.final).length,
    ),
    [1, 2],
  );
});

test("an agent that is about to take up a call waits, and then knows what was said meanwhile", async (t) => {
  const said = (thread: AgentThread, text: RegExp) =>
    thread.event(
      "transcript",
      (event) => event.role === "agent" && event.final && text.test(event.text ?? ""),
    );
  const nothing = { turnId: "", text: "" };
  const before = await new AgentThread(t, agentUrl("calls/come-back")).join();
  await said(before, /^Hello there.$/);
  const after = new AgentThread(t, agentUrl("calls/come-back"));
  after.assign({
    resumption: { reason: "drained", times: 1, state: before.state, heard: nothing, rests: true },
  });
  await after.next("joined");
  // The agent before takes it, so that it is not for this one.
  after.type("my name is Ann");
  const typed = [{ messageId: "later", participantId: "alice", text: "what was said" }];
  before.type("my name is Ann");
  await said(before, /^You said: my name is Ann$/);
  t.deepEqual(await before.ask({ about: "move", to: "another" }), given);
  t.deepEqual(await before.ask({ about: "hand_over", withinMs: 60_000 }), handedOver);
  t.deepEqual(after.events, []);
  t.deepEqual(await after.ask({ about: "take_up", state: before.state, heard: nothing, typed }), given);
  const answer = await said(after, /words/);
  t.deepEqual(JSON.parse(answer.text ?? ""), {
    words: [
      "instruction: Greet",
      "agent: Hello there.",
      "participant: my name is Ann",
      "agent: You said: my name is Ann",
      "participant: what was said",
    ],
    name: "Ann",
  });
  before.close("drained", true);
  await before.next("ended");
});

test("words that come once a call is handed over wait, and the other agent answers them", async (t) => {
  const before = await inCall();
  t.deepEqual(await before.handOver(0), handedOver);
  const messageId = before.hosted.type("are you there?");
  const after = before.successor();
  // The main thread may hand them over as well.
  after.hosted.handle.message({ messageId, participantId: "alice", text: "are you there?" });
  await after.joined();
  await after.says("You said: are you there?");
  after.hosted.type("and now?");
  await after.says("You said: and now?");
  await before.moved();
  t.deepEqual(before.conversation, ["agent: Hello there."]);
  t.deepEqual(before.outcomes, ["done"]);
  t.deepEqual(after.conversation, [
    "alice: are you there?",
    "agent: You said: are you there?",
    "alice: and now?",
    "agent: You said: and now?",
  ]);
});

test("a turn that is over in time is not cut", async (t) => {
  const before = await inCall();
  before.hosted.type("take long");
  t.deepEqual(await before.handOver(60_000), handedOver);
  t.deepEqual(before.outcomes, ["done", "done"]);
  const after = await before.successor().joined();
  after.hosted.type("hello");
  await after.says("You said: hello");
  t.deepEqual(after.shown, [
    "instruction: Greet",
    "agent: Hello there.",
    "participant: take long",
    "agent: At last.",
    "participant: hello",
  ]);
});

test("a turn that takes too long is cut, and the other agent says the rest", async (t) => {
  const before = await inStory();
  t.deepEqual(await before.handOver(0), handedOver);
  t.deepEqual(before.outcomes, ["done", "interrupted"]);
  t.is(before.conversation.at(-1), `agent: ${story}`);
  const after = await before.successor().joined();
  await after.says("and so on.");
  t.deepEqual(after.conversation, ["agent: and so on."]);
  t.deepEqual(after.shown.slice(2, 4), ["participant: tell a story", `agent: ${story}`]);
  t.is(after.shown.length, 5);
});

test("of words of the agent's own code that were cut the rest is said, and of those that were heard nothing", (t) => {
  const rest = { origin: "say", text: "How are you?", owed: true } as const;
  t.deepEqual(restOfWords("Hello. How are you?", "Hello."), rest);
  t.deepEqual(restOfWords("How are you?", ""), rest);
  t.is(restOfWords("How are you?", "How are you?"), null);
});

test("a turn of which nothing was said yet is answered by the other agent", async (t) => {
  const before = await inCall();
  before.hosted.type("think");
  await before.says("think");
  t.deepEqual(await before.handOver(0), handedOver);
  const after = await before.successor().joined();
  await after.says("You said: think");
  t.deepEqual(after.conversation, ["agent: You said: think"]);
});

test("of a tool that runs the other agent is told that its result is not known", async (t) => {
  const before = await inCall();
  before.hosted.type("linger");
  await before.says("linger");
  await eventually("the tool runs", () => before.state.includes('"toolCalls":[{'));
  t.deepEqual(await before.handOver(0), handedOver);
  const after = await before.successor().joined();
  await eventually("the answer", () => after.outcomes.length > 0);
  t.regex(after.conversation.join(), /^agent: Done: .*not known whether it was carried out/);
});

test("a call that is handed back goes on with what waits, in its order", async (t) => {
  const one = await inStory();
  t.deepEqual(await one.handOver(0), handedOver);
  one.hosted.type("are you there?");
  t.deepEqual(await one.handBack(), given);
  await one.says("You said: are you there?");
  t.deepEqual(one.conversation.slice(-4), [
    `agent: ${story}`,
    "agent: and so on.",
    "alice: are you there?",
    "agent: You said: are you there?",
  ]);
  t.deepEqual(await one.handOver(60_000), handedOver);
});

test("a call that is handed back while its turn is waited for is not handed over", async (t) => {
  const one = await inStory();
  const handOver = one.handOver(60_000);
  t.deepEqual(await one.handBack(), given);
  t.like(await handOver, { outcome: "refused" });
  t.deepEqual(one.outcomes, ["done"]);
});

test("an agent whose conversation may not be kept hands nothing over", async (t) => {
  const one = await inCall(false);
  t.deepEqual(await one.handOver(0), { outcome: "not_offered" });
  one.hosted.type("go on");
  await one.says("You said: go on");
});
