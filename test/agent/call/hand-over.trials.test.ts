import test from "ava";
import type { LlmRequest } from "greenroom";
import * as testing from "greenroom/testing";
import { Random } from "../../../chaos/random.ts";
import type { TextMessage } from "../../../src/shared/protocol.ts";
import type { AgentEvent } from "../../../src/shared/session/agent-event.ts";
import { Resumptions } from "../../../src/supervisor/session/resumptions.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { SharedCall } from "../../fixtures/shared-call.ts";
import { trials } from "../../fixtures/trials.ts";

const replyTo = ({ messages }: LlmRequest): string => {
  const last = messages.at(-1);
  if (last?.role === "instruction") return last.text === "Greet" ? "Hello there." : "and so on.";
  return last?.role === "participant" ? `You said: ${last.text}. And that is that.` : "Well.";
};

/** An agent of the call. What it does once its thread is dead reaches nobody. */
class Life {
  readonly name: string;
  readonly hosted: HostedAgent;
  readonly llm = new testing.LLM({ otherwise: replyTo });
  isDead = false;

  constructor(
    call: SharedCall,
    name: string,
    rests: boolean,
    before: Resumptions | null,
    heard: (life: Life, event: AgentEvent) => void,
    told: (life: Life, state: string | null) => void,
  ) {
    this.name = name;
    const resumption = before && {
      ...before.carried!,
      reason: "drained" as const,
      times: 1,
      rests,
    };
    this.hosted = new HostedAgent(
      { edge: call.edge(name), llm: this.llm, tts: new testing.TTS({ characterMs: 20 }), resumeLine: null },
      { event: (event) => heard(this, event), state: (state) => told(this, state), resumption },
    );
  }

  /** Runs the agent's own code. */
  async run(): Promise<void> {
    const { agent } = this.hosted;
    await agent.join(await agent.createCall("default", "call-1"), { participantWaitTimeoutMs: null });
    await agent.simpleResponse("Greet");
    await agent.finish();
  }

  async leave(): Promise<void> {
    this.hosted.handle.close(Object.assign(new Error("moved"), { closeReason: "drained", moved: true }));
    await this.hosted.agent.close();
  }
}

/** A call whose agents follow one another, as the main thread has it: with the words that no agent has taken. */
class MovingCall {
  readonly call = new SharedCall();
  /** What was told by the agent that had the call at the time. */
  readonly events: AgentEvent[] = [];
  /** What was told by an agent that did not have the call. */
  readonly strays: AgentEvent[] = [];
  readonly lives: Life[] = [];
  readonly typed: string[] = [];
  readonly #waiting = new Map<string, TextMessage>();
  readonly #state = new Resumptions(3, null);
  owner: Life;

  constructor() {
    this.owner = this.#begin(false, null);
  }

  #begin(rests: boolean, before: Resumptions | null): Life {
    const life: Life = new Life(
      this.call,
      `agent-${this.lives.length}`,
      rests,
      before,
      (of, event) => this.#heard(of, event),
      (of, state) => {
        if (of === this.owner || this.owner === undefined) this.#state.keep(state);
      },
    );
    this.lives.push(life);
    for (const message of this.#waiting.values()) life.hosted.handle.message(message);
    void life.run().catch(() => undefined);
    return life;
  }

  #heard(life: Life, event: AgentEvent): void {
    if (life.isDead) return;
    if (life !== this.owner) {
      if (event.type === "transcript" || event.type === "turn") this.strays.push(event);
      return;
    }
    this.events.push(event);
    if (event.type === "transcript" && event.final && event.messageId !== undefined)
      this.#waiting.delete(event.messageId);
    this.#state.happened(event);
  }

  type(text: string): void {
    this.typed.push(text);
    const message = { messageId: text, participantId: "alice", text };
    this.#waiting.set(text, message);
    this.owner.hosted.handle.message(message);
  }

  /** The thread of the agent dies, and another one takes up the call. */
  crash(): void {
    this.owner.isDead = true;
    void this.owner.leave();
    this.owner = this.#begin(false, this.#state);
  }

  /** Hands the call over, or has the agent go on after all. */
  async move(withinMs: number, meanwhile: () => Promise<void>, isTaken: boolean): Promise<void> {
    const before = this.owner;
    if (this.#state.carried === null) return;
    const after = this.#begin(true, this.#state);
    await meanwhile();
    const { outcome } = await before.hosted.handle.answer({ about: "hand_over", withinMs });
    if (outcome !== "given" || !isTaken) {
      await before.hosted.handle.answer({ about: "hand_back" });
      after.isDead = true;
      await after.leave();
      return;
    }
    const { state, heard } = this.#state.carried;
    this.owner = after;
    const typed = [...this.#waiting.values()];
    await after.hosted.handle.answer({ about: "take_up", state, heard, typed });
    await before.leave();
  }
}

test("in a call that moves and crashes nobody speaks at once, nothing is answered twice, and no word is missing", async (t) => {
  for (let seed = 1; seed <= trials(6, 200); seed += 1) {
    const random = new Random(seed);
    const moving = new MovingCall();
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, random.between(0, 40)));
    let count = 0;
    const say = () => moving.type(`word${++count}`);
    await eventually("it greets", () => moving.events.some(({ type }) => type === "turn"));
    for (let step = 0; step < 8; step += 1) {
      if (random.chance(0.7)) say();
      await pause();
      const meanwhile = async () => {
        if (random.chance(0.5)) say();
        await pause();
      };
      if (random.chance(0.5))
        await moving.move(random.chance(0.3) ? 0 : 20_000, meanwhile, random.chance(0.8));
      else if (random.chance(0.3)) moving.crash();
    }
    say();
    const seen = `seed ${seed}`;
    const answered = (text: string) =>
      moving.events.filter(
        (event) =>
          event.type === "transcript" &&
          event.role === "agent" &&
          event.final &&
          event.text?.includes(`You said: ${text}. And that is that.`),
      ).length;
    await eventually(`${seen}: the last words are answered`, () => answered(`word${count}`) === 1);
    // Nobody who does not have the call says anything, and nobody speaks again after somebody else.
    t.deepEqual(moving.strays, [], seen);
    const { heard } = moving.call;
    t.is(new Set(heard).size, heard.length, `${seen}: ${heard.join()}`);
    for (const text of moving.typed) t.true(answered(text) <= 1, `${seen}: ${text}`);
    const taken = moving.events.flatMap((event) =>
      event.type === "transcript" && event.role === "user" && event.final ? [event.text] : [],
    );
    t.deepEqual(taken, moving.typed, seen);
    const turns = moving.events.flatMap((event) => (event.type === "turn" ? [event.turnId] : []));
    t.is(new Set(turns).size, turns.length, `${seen}: each turn ends once`);
    const shown = moving.owner.llm.requests.at(-1)?.messages ?? [];
    const known = shown.flatMap((message) => (message.role === "participant" ? [message.text] : []));
    t.deepEqual(known, moving.typed, seen);
    await moving.owner.leave();
  }
});
