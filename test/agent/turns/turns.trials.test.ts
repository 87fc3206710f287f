import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { LLM, type LlmEvent, type LlmRequest, type Message } from "greenroom";
import type { AgentEvent } from "../../../src/shared/session/agent-event.ts";
import type { Measurement } from "../../../src/shared/session/measurement.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { trials } from "../../fixtures/trials.ts";

/** An action on an agent, in any order. */
type Action =
  | { readonly type: "message"; readonly plan: Plan }
  | { readonly type: "respond"; readonly plan: Plan }
  | { readonly type: "say"; readonly interrupt: boolean; readonly interruptible: boolean }
  | { readonly type: "join" }
  | { readonly type: "close" };

/** The plan of the model for one request. */
interface Plan {
  readonly pieces: number;
  readonly calls: number;
  readonly end: "done" | "fail" | "ignore-abort";
}

/** A model whose every step comes when the scheduler says so. */
class ScheduledLlm extends LLM {
  readonly provider = "scheduled";
  readonly model = "scheduled";
  readonly #step: (name: string) => Promise<void>;
  shown: readonly Message[] = [];

  constructor(step: (name: string) => Promise<void>) {
    super();
    this.#step = step;
    this.registerFunction({ name: "tool", description: "", execute: () => step("tool") });
  }

  async *generate({ messages, signal }: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    this.shown = messages;
    const asked = messages.findLast(({ role }) => role === "participant" || role === "instruction");
    const { id, plan } = JSON.parse(asked && "text" in asked ? asked.text : "") as { id: number; plan: Plan };
    for (let piece = 0; piece < plan.pieces; piece++) {
      await this.#step(`piece of ${id}`);
      if (plan.end !== "ignore-abort") signal.throwIfAborted();
      yield { type: "text", delta: `${id}.${piece} ` };
    }
    if (messages.at(-1)?.role === "tools") return;
    for (let call = 0; call < plan.calls; call++) {
      yield { type: "tool_call", call: { id: `${call}`, name: "tool", arguments: {} } };
    }
    await this.#step(`end of ${id}`);
    if (plan.end === "fail") throw new Error("the model failed");
  }
}

const plan = fc.record({
  pieces: fc.nat({ max: 3 }),
  calls: fc.nat({ max: 2 }),
  end: fc.constantFrom<Plan["end"][]>("done", "done", "fail", "ignore-abort"),
});
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("message" as const), plan }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("respond" as const), plan }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("say" as const),
      interrupt: fc.boolean(),
      interruptible: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ type: "join" }) },
  { weight: 1, arbitrary: fc.constant<Action>({ type: "close" }) },
);

interface Run {
  readonly hosted: HostedAgent;
  readonly llm: ScheduledLlm;
  /** Message ids in the order in which they were typed. */
  readonly typed: string[];
  /** Outcomes that `say` and `simpleResponse` promised. */
  readonly promised: Promise<string>[];
  readonly closed: boolean;
}

async function run(scheduler: fc.Scheduler, actions: readonly Action[]): Promise<Run> {
  const step = (name: string) => scheduler.schedule(Promise.resolve(), name);
  const llm = new ScheduledLlm(step);
  const hosted = new HostedAgent({ llm, apology: "sorry " });
  const { agent } = hosted;
  const typed: string[] = [];
  const promised: Promise<string>[] = [];
  let joined = false;
  let closed = false;
  let id = 0;
  const join = async () => {
    if (joined || closed) return;
    joined = true;
    await hosted.join();
  };
  const perform = async (done: Action) => {
    const words = "plan" in done ? JSON.stringify({ id: ++id, plan: done.plan }) : "";
    switch (done.type) {
      case "message":
        typed.push(hosted.type(words));
        return;
      case "respond":
        if (joined) promised.push(agent.simpleResponse(words));
        return;
      case "say": {
        const { interrupt, interruptible } = done;
        if (joined) promised.push(agent.say(`said ${++id} `, { interrupt, interruptible }));
        return;
      }
      case "join":
        return join();
      case "close":
        hosted.handle.close(new Error("closed"));
        closed = true;
        return;
      default:
        done satisfies never;
    }
  };
  void scheduler.scheduleSequence(
    [...actions, { type: "join" } as const].map((one) => ({ label: one.type, builder: () => perform(one) })),
  );
  // What waits is begun once the code that follows a join has run, and an answer that was empty is asked for again, which takes some rounds of the event loop.
  for (let quiet = 0; quiet < 3; quiet = scheduler.count() > 0 ? 0 : quiet + 1) {
    await scheduler.waitIdle();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return { hosted, llm, typed, promised, closed };
}

/** Checks what must hold whatever happened, and in whatever order. */
async function check(t: ExecutionContext, { hosted, llm, typed, promised, closed }: Run) {
  await Promise.all(promised);
  const { measurements } = hosted;
  const events = hosted.events.filter((event) => "turnId" in event);
  const turns = Map.groupBy(events, ({ turnId }) => turnId);
  for (const [turnId, ofTurn] of turns) checkTurn(t, turnId, ofTurn);

  // One at a time: the events of a turn are not mixed with another's.
  const course = events.map(({ turnId }) => turnId);
  t.is(course.filter((turnId, index) => turnId !== course[index - 1]).length, turns.size);

  // Each message is heard once, in order, and every promise of an outcome was kept by a turn.
  t.deepEqual(
    events.flatMap((event) =>
      event.type === "transcript" && event.role === "user" ? [event.messageId] : [],
    ),
    typed,
  );
  const ended = events.filter((event) => event.type === "turn");
  t.true(ended.length >= typed.length + promised.length);

  // The model was measured once for each turn that asked it.
  const asked = measurements.filter(
    (one): one is Extract<Measurement, { kind: "llm" }> => one.kind === "llm",
  );
  t.true(asked.length <= ended.filter(({ origin }) => origin !== "say").length);
  t.is(
    asked.filter(({ outcome }) => outcome === "failed").length,
    ended.filter(({ outcome }) => outcome === "failed").length,
  );

  if (closed) return;
  const before = heard(events);
  hosted.type(JSON.stringify({ id: 0, plan: { pieces: 0, calls: 0, end: "fail" } }));
  await new Promise<void>((resolve) => setImmediate(resolve));
  t.is(spoken(llm.shown.slice(0, -1)), before);
  await hosted.agent.close();
}

function checkTurn(t: ExecutionContext, turnId: string, events: readonly AgentEvent[]) {
  const last = events.at(-1);
  t.is(events.filter(({ type }) => type === "turn").length, 1, turnId);
  t.is(last?.type, "turn");
  const agent = events.filter((event) => event.type === "transcript" && event.role === "agent");
  const deltas = agent.flatMap((event) => (event.type === "transcript" ? (event.delta ?? "") : "")).join("");
  const finals = agent.flatMap((event) => (event.type === "transcript" && event.final ? [event.text] : []));
  t.deepEqual(finals, deltas === "" ? [] : [deltas], turnId);
}

/** Returns all that was said by the transcripts, in order. */
function heard(events: readonly AgentEvent[]): string {
  return events.map((event) => (event.type === "transcript" && event.final ? event.text : "")).join("");
}

/** Returns all that was said by the conversation that the model is shown. */
function spoken(messages: readonly Message[]): string {
  return messages
    .map((message) => (message.role === "participant" || message.role === "agent" ? message.text : ""))
    .join("");
}

test("in whatever order things happen, a turn ends once, gets one reply, and the history is what was sent", async (t) => {
  t.timeout(300_000);
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(action, { maxLength: 14 }), async (scheduler, actions) => {
      await check(t, await run(scheduler, actions));
    }),
    { numRuns: trials(200, 3_000) },
  );
});
