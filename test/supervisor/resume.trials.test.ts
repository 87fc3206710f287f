import { randomUUID } from "node:crypto";
import { BroadcastChannel } from "node:worker_threads";
import test from "ava";
import type { AgentLauncher, EndReason, Session, SessionEvent } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import type { ComeBackConfig } from "../fixtures/agents/calls/come-back.ts";
import { startLauncher } from "../fixtures/http/open-server.ts";
import { launch } from "../fixtures/launch.ts";
import { inLongForm, trials } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const line = "Sorry, I was cut off for a moment.";

interface Call {
  readonly session: Session;
  readonly events: readonly SessionEvent[];
  /** All final words of the agent so far. */
  readonly said: readonly string[];
  say(text: string): string;
  become(role: string): Promise<unknown>;
  /** Resolves once something holds for the events so far. */
  until(holds: (events: readonly SessionEvent[]) => boolean): Promise<void>;
  /** Resolves once the agent has said these words. */
  hears(words: string): Promise<void>;
  /** Closes the session. Resolves once it has ended. */
  close(): Promise<unknown>;
}

let shared: AgentLauncher;

test.before(async () => {
  shared = await startLauncher({ agent: agentUrl("calls/come-back"), maxResumes: 3, crashStormLimit: 0 });
});

test.after.always(() => shared?.stop());

async function call(config: ComeBackConfig = {}, launcher = shared): Promise<Call> {
  const supervisor = await supervisorOf(launcher);
  const session = await supervisor.startSession({ callId: "call", config: { ...config } });
  const events: SessionEvent[] = [];
  const waiting = new Set<() => void>();
  session.events.subscribe(0, ({ event }) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  const said = () =>
    events.flatMap((event) =>
      event.type === "transcript" && event.role === "agent" && event.final ? [event.text ?? ""] : [],
    );
  const until = (holds: (events: readonly SessionEvent[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds(events)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    session,
    events,
    get said() {
      return said();
    },
    become: (role) => supervisor.steer(session, { about: "change", role }),
    say: (text) => supervisor.sendMessage(session, { text, participantId: "ann" }),
    until,
    hears: (words) => until(() => said().includes(words)),
    close: () => supervisor.closeSession(session.id, { wait: true }),
  };
}

interface Death {
  readonly how: string;
  readonly reason: EndReason;
}

const deaths: readonly Death[] = [
  { how: "die", reason: "crashed" },
  { how: "hang", reason: "unresponsive" },
  ...trials<readonly Death[]>(
    [],
    [
      { how: "throw", reason: "crashed" },
      { how: "eat", reason: "out_of_memory" },
    ],
  ),
];

for (const { how, reason } of deaths) {
  test.serial(
    `a thread that ends as ${reason} (${how}) is followed by another one, which knows the conversation`,
    async (t) => {
      const one = await call();
      const { session, events, say, hears } = one;
      await hears("Hello there.");
      say("my name is Ann");
      await hears("You said: my name is Ann");
      await one.become("billing");
      say(how);
      await hears(`You said: ${how}`);
      t.deepEqual(
        events.flatMap((event) =>
          event.type === "interrupted" || event.type === "resumed" || event.type === "state"
            ? [event.type === "state" ? event.state : event.type]
            : [],
        ),
        ["starting", "joining", "live", "resuming", "interrupted", "joining", "live", "resumed"],
      );
      t.like(
        events.find(({ type }) => type === "interrupted"),
        { reason },
      );
      t.is(session.resumes, 1);
      t.is(session.role, "billing");
      t.is(session.error, null);
      say("what was said");
      await one.until(() => one.said.some((text) => text.startsWith("{")));
      const { words, name } = JSON.parse(one.said.at(-1) ?? "");
      t.is(name, "Ann", "what the agent's code stored is there");
      t.deepEqual(words, [
        "instruction: Greet",
        "agent: Hello there.",
        "participant: my name is Ann",
        "agent: You said: my name is Ann",
        `agent: ${line}`,
        `participant: ${how}`,
        `agent: You said: ${how}`,
        "participant: what was said",
      ]);
      t.deepEqual(one.said.slice(0, 4), [
        "Hello there.",
        "You said: my name is Ann",
        line,
        `You said: ${how}`,
      ]);
    },
  );
}

test.serial("a tool that has acted is not called again, and its result is known", async (t) => {
  const channel = randomUUID();
  const told: unknown[] = [];
  const heard = new BroadcastChannel(channel);
  t.teardown(() => heard.close());
  heard.onmessage = (event) => told.push((event as MessageEvent).data);
  const { say, hears, session } = await call({ channel });
  await hears("Hello there.");
  say("charge");
  await hears("Done: charged once");
  t.is(session.resumes, 1);
  t.deepEqual(told, ["charged"]);
});

test.serial("of a tool that ended the thread the model is told that its result is not known", async (t) => {
  const one = await call();
  const { say, until, session } = one;
  await one.hears("Hello there.");
  say("die in a tool");
  await until(() => one.said.some((text) => text.startsWith("Done: ")));
  t.regex(one.said.at(-1) ?? "", /not known whether it was carried out/);
  t.is(session.resumes, 1);
});

test.serial("what is typed while no thread is there is answered by the next one", async (t) => {
  const { say, hears, until } = await call();
  await hears("Hello there.");
  say("hang");
  say("are you there?");
  await until((events) => events.some(({ type }) => type === "interrupted"));
  say("still?");
  await hears("You said: are you there?");
  await hears("You said: still?");
  t.pass();
});

test.serial(
  "a greeting in which the thread ended is said by the next one, and one that was said is not",
  async (t) => {
    const { hears, events, session } = await call({ diesGreeting: true });
    await hears("Hello there.");
    t.is(session.resumes, 1);
    t.deepEqual(events.filter(({ type }) => type === "interrupted").length, 1);
  },
);

test.serial(
  "an answer that is owed is given, though the next thread ends while it says the line",
  async (t) => {
    const one = await call({ diesInLine: true });
    await one.hears("Hello there.");
    one.say("my name is Ann");
    await one.hears("You said: my name is Ann");
    one.say("die");
    await one.hears("You said: die");
    t.is(one.session.resumes, 2);
  },
);

test.serial(
  "an answer that is owed is given, though the next thread ends before it has taken up the call",
  async (t) => {
    const one = await call({ diesWaiting: true, edge: "browser" });
    await one.until((events) => events.some((event) => event.type === "state" && event.state === "live"));
    one.say("die");
    await one.until((events) => events.filter(({ type }) => type === "resumed").length === 2);
    // It ends the wait for somebody.
    one.say("hello");
    await one.hears("You said: die");
    await one.hears("You said: hello");
    t.is(one.session.resumes, 2);
  },
);

test.serial("beyond its intensity the session ends, for the reason of the last death", async (t) => {
  const { session, say, hears, events } = await call({ always: true });
  await hears("Hello there.");
  say("die");
  await session.ended;
  t.is(session.endReason, "crashed");
  t.is(session.resumes, 3);
  t.is(events.filter(({ type }) => type === "interrupted").length, 3);
});

longForm("an agent whose conversation may not be kept ends with its thread", async (t) => {
  const { session, say, hears } = await call({ restore: false });
  await hears("Hello there.");
  say("die");
  await session.ended;
  t.is(session.endReason, "crashed");
  t.is(session.resumes, 0);
});

test.serial("an error that joinCall throws ends the session, unless the agent says otherwise", async (t) => {
  const one = await call();
  await one.hears("Hello there.");
  one.say("fail");
  await one.session.ended;
  t.is(one.session.endReason, "failed");
  const other = await call({ restore: { failed: true } });
  await other.hears("Hello there.");
  other.say("fail");
  await other.hears("You said: fail");
  t.like(
    other.events.find(({ type }) => type === "interrupted"),
    { reason: "failed", error: { message: "joinCall throws this" } },
  );
  t.is(other.session.error, null);
  await other.until((events) => events.filter(({ type }) => type === "turn").length >= 4);
  t.deepEqual(
    other.events.flatMap((event) => (event.type === "turn" ? [`${event.origin} ${event.outcome}`] : [])),
    ["response done", "participant interrupted", "say done", "response done"],
  );
  await other.close();
  t.is(other.session.endReason, "closed");
});

longForm("the line may be another one, or none", async (t) => {
  const one = await call({ resumeLine: null });
  const { say, hears } = one;
  await hears("Hello there.");
  say("die");
  await hears("You said: die");
  t.deepEqual(one.said, ["Hello there.", "You said: die"]);
});

test.serial("a session that is closed while it has no thread ends at once", async (t) => {
  const one = await call(
    {},
    await launch(t, "calls/come-back", { maxResumes: 3, maxConcurrentSessions: 1, warmSessions: 0 }),
  );
  await one.hears("Hello there.");
  one.say("die");
  await one.until((events) => events.some(({ type }) => type === "interrupted"));
  await one.close();
  t.is(one.session.endReason, "closed");
});
