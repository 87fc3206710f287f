import assert from "node:assert/strict";
import { setImmediate as nextRound, setTimeout as pause } from "node:timers/promises";
import test from "ava";
import fc from "fast-check";
import * as testing from "greenroom/testing";
import { within } from "../../../src/shared/deadline.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import { nameOf } from "../../fixtures/voice/voice-storm.ts";

/** Something that happens in a call, in any order. */
type Action =
  | { readonly type: "speech_started" | "speech_ended" | "unasked" | "respond" | "say" | "typed" | "lost" }
  | { readonly type: "wait"; readonly ms: number };

interface Plan {
  readonly actions: readonly Action[];
  readonly correlates: boolean;
  readonly transcribes: "in_time" | "late" | "never";
  readonly calls: boolean;
}

const one = (type: Exclude<Action["type"], "wait">) => fc.constant<Action>({ type });
const plan: fc.Arbitrary<Plan> = fc.record({
  actions: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: one("speech_started") },
      { weight: 8, arbitrary: one("speech_ended") },
      { weight: 1, arbitrary: one("unasked") },
      { weight: 2, arbitrary: one("respond") },
      { weight: 2, arbitrary: one("say") },
      { weight: 2, arbitrary: one("typed") },
      { weight: 1, arbitrary: one("lost") },
      {
        weight: 8,
        arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 6 }) }),
      },
    ),
    { maxLength: 30 },
  ),
  correlates: fc.boolean(),
  transcribes: fc.constantFrom("in_time" as const, "late" as const, "never" as const),
  calls: fc.boolean(),
});

/** A call that goes through a plan. */
class Trial {
  readonly edge = new testing.Edge({ speed: 100 });
  readonly llm: testing.RealtimeModel;
  readonly hosted: HostedAgent;
  readonly #promised: Promise<string>[] = [];
  #count = 0;
  #speaking = false;

  constructor({ correlates, transcribes, calls }: Plan) {
    this.llm = new testing.RealtimeModel({
      ...{ correlates, transcribes },
      replies: Array.from({ length: 100 }, (_, place) => [
        ...(calls && place % 2 === 0 ? [{ call: "tool" }] : []),
        { say: `${nameOf(place)} is made of some more words.` },
      ]),
    });
    this.llm.registerFunction({ name: "tool", description: "", execute: () => pause(1, "done") });
    const limits = { stalledTurnMs: 500, firstTokenTimeoutMs: 2_000, hearingRetryMs: 5 };
    this.hosted = new HostedAgent({ edge: this.edge, llm: this.llm, apology: null, limits });
  }

  async run({ actions, correlates }: Plan): Promise<void> {
    await this.hosted.join();
    // Where the model does not tell which of several requests it answers, nobody can know.
    const known = ["speech_started", "speech_ended", "lost", "wait"];
    for (const action of actions) if (correlates || known.includes(action.type)) await this.#perform(action);
    if (this.#speaking) await this.#perform({ type: "speech_ended" });
    await within(Promise.all(this.#promised), 20_000, "All that was promised");
    await within(this.hosted.agent.say("The last words."), 20_000, "The last words");
    await until(() => this.ends.length === new Set(this.begun).size, "the end of every turn");
  }

  get ends(): readonly string[] {
    return this.hosted.events.flatMap((event) => (event.type === "turn" ? [event.turnId] : []));
  }

  /** The turns that something was told of. */
  get begun(): readonly string[] {
    return this.hosted.events.flatMap((event) => ("turnId" in event ? [event.turnId] : []));
  }

  async #perform(action: Action): Promise<void> {
    const { agent } = this.hosted;
    const session = await this.llm.session(this.llm.sessions.length || 1);
    this.#count += 1;
    switch (action.type) {
      case "speech_started":
        if (!this.#speaking) session.speechStarted();
        this.#speaking = true;
        break;
      case "speech_ended":
        if (this.#speaking) session.speechEnded(`Said ${this.#count}`);
        this.#speaking = false;
        break;
      case "unasked":
        session.speak(`${nameOf(200 + this.#count)} is unasked.`);
        break;
      case "respond":
        this.#promised.push(agent.simpleResponse(`Instruction ${this.#count}`));
        break;
      case "say":
        this.#promised.push(agent.say(`${nameOf(300 + this.#count)} is told by the code of the agent.`));
        break;
      case "typed":
        this.hosted.type(`Typed ${this.#count}`);
        break;
      case "lost": {
        const next = this.llm.sessions.length + 1;
        session.lose(new Error("lost"));
        this.#speaking = false;
        await this.llm.session(next);
        break;
      }
      case "wait":
        await pause(action.ms);
        break;
      default:
        action satisfies never;
    }
    await nextRound();
  }
}

function check(trial: Trial): void {
  const { hosted, llm, edge } = trial;
  // Each turn ends once.
  assert.equal(new Set(trial.ends).size, trial.ends.length);
  const finals = hosted.events.flatMap((event) =>
    event.type === "transcript" && event.role === "agent" && event.final ? [event] : [],
  );
  // Never two replies to one turn, nor one reply in two turns.
  assert.equal(new Set(finals.map(({ turnId }) => turnId)).size, finals.length);
  const begun = finals.map(({ text = "" }) => text).filter((text) => text.includes(" "));
  assert.equal(
    new Set(begun.map((text) => text.split(" ")[0])).size,
    begun.length,
    "an answer was heard twice",
  );
  // Nothing of the agent comes behind the end of its turn.
  for (const { turnId } of finals) {
    const events = hosted.events.filter((event) => "turnId" in event && event.turnId === turnId);
    const end = events.findIndex(({ type }) => type === "turn");
    assert.ok(
      events.slice(end + 1).every((event) => event.type === "transcript" && event.role === "user"),
      turnId,
    );
  }
  // The model remembers what was heard, to the character of a frame that was sounding.
  const remembered = llm.sessions.at(-1)!.history.filter(({ role }) => role === "model");
  const left = remembered.map(({ text }) => text);
  for (const { text = "" } of finals) {
    const place = left.findIndex((one) => one.startsWith(text.slice(0, -1)) && one.length - text.length <= 1);
    assert.ok(place >= 0, `"${text}" is not remembered: ${JSON.stringify(remembered)}`);
    left.splice(place, 1);
  }
  assert.ok(
    left.every((text) => text.length <= 1),
    `remembered, and not heard: ${JSON.stringify(left)}`,
  );
  assert.ok(edge.recording.durationMs > 0);
}

test("in whatever order things happen: one reply to a turn, nothing after its end, history is what was heard", async (t) => {
  t.timeout(180_000);
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(plan, async (planned) => {
        const trial = new Trial(planned);
        try {
          await trial.run(planned);
          check(trial);
        } finally {
          await trial.hosted.agent.close();
        }
      }),
      {
        numRuns: 60,
        includeErrorInReport: true,
        interruptAfterTimeLimit: 150_000,
        markInterruptAsFailure: true,
      },
    ),
  );
});
