import test from "ava";
import {
  Agent,
  type AgentEvent,
  type Connection,
  type ConnectionEvent,
  defineAgent,
  type Edge,
} from "greenroom";
import * as local from "greenroom/local";
import { z } from "zod";
import { HostedAgent } from "../fixtures/agent-host.ts";
import { ScriptedLlm, script } from "../fixtures/scripted-llm.ts";

/** A call that somebody else is in, and that can end. */
class CrowdedEdge implements Edge {
  readonly provider = "crowded";
  readonly participants = new Map([["bob", { id: "bob", name: "Bob" }]]);
  tell: (event: ConnectionEvent) => void = () => {};
  left = 0;

  async createCall({ callType, callId }: { callType: string; callId: string }) {
    return { callType, callId };
  }

  async join(): Promise<Connection> {
    return {
      audio: null,
      participants: this.participants,
      subscribe: (listener) => {
        this.tell = listener;
        return () => {};
      },
      leave: async () => {
        this.left++;
      },
    };
  }

  async close() {}
}

const waiting = script([{ text: "well" }, { wait: "abort" }]);

test("say and simpleResponse wait for the running turn, and resolve with the outcome of their own", async (t) => {
  const hosted = await new HostedAgent().join();
  const { agent } = hosted;
  t.deepEqual(await Promise.all([agent.say("one"), agent.simpleResponse("two"), agent.say("three")]), [
    "done",
    "done",
    "done",
  ]);
  t.deepEqual(hosted.said, ["one", "You said two", "three"]);
});

test("what interrupts goes first, and the interrupted turn says so", async (t) => {
  const hosted = await new HostedAgent().join();
  const { agent } = hosted;
  const running = agent.simpleResponse(waiting);
  const queued = agent.say("later");
  const urgent = agent.say("fire!", { interrupt: true });
  t.deepEqual(await Promise.all([running, urgent, queued]), ["interrupted", "done", "done"]);
  t.deepEqual(hosted.said, ["fire!", "later"]);
});

test("participants go before what the agent wants said, and do not cut short what must be heard", async (t) => {
  const hosted = await new HostedAgent().join();
  const { agent } = hosted;
  const notice = agent.say("This call is recorded.", { interruptible: false });
  const later = agent.say("What can I do for you?");
  hosted.type("hello");
  t.deepEqual(await Promise.all([notice, later]), ["done", "done"]);
  t.deepEqual(hosted.said, ["This call is recorded.", "You said hello", "What can I do for you?"]);
});

test("more turns than may wait fail at once", async (t) => {
  const { agent } = await new HostedAgent({ limits: { maxWaitingTurns: 1 } }).join();
  const running = agent.simpleResponse(waiting);
  const queued = agent.say("later");
  t.is(await agent.say("too many"), "failed");
  await agent.close();
  t.deepEqual(await Promise.all([running, queued]), ["interrupted", "interrupted"]);
});

test("where no turn may wait the one that begins at once does not, and those that interrupt begin at once", async (t) => {
  const hosted = await new HostedAgent({ limits: { maxWaitingTurns: 0 } }).join();
  const { agent } = hosted;
  t.is(await agent.say("Hello."), "done");
  const running = agent.simpleResponse(waiting);
  t.is(await agent.say("too many"), "failed");
  t.is(await agent.say("fire!", { interrupt: true }), "done");
  t.is(await running, "interrupted");
  hosted.type("hello");
  await heard(agent, "You said hello");
  await agent.close();
});

test("an instruction of the moment is told apart from a participant's words", async (t) => {
  const llm = new ScriptedLlm();
  const hosted = await new HostedAgent({ llm, instructions: "Be kind." }).join();
  await hosted.agent.simpleResponse("greet them");
  t.is(llm.requests[0]?.instructions, "Be kind.");
  t.deepEqual(llm.requests[0]?.messages, [{ role: "instruction", text: "greet them" }]);
});

test("a request that is cut short is aborted", async (t) => {
  const llm = new ScriptedLlm();
  const hosted = await new HostedAgent({ llm }).join();
  const running = hosted.agent.simpleResponse(waiting);
  await heard(hosted.agent, "well");
  t.is(await hosted.agent.say("stop", { interrupt: true }), "done");
  t.is(await running, "interrupted");
  t.is(llm.aborted, 1);
  t.true(llm.requests[0]?.signal.aborted);
});

test("finish resolves when the call ends, when the agent leaves, and when the session closes", async (t) => {
  const edge = new CrowdedEdge();
  const ended = await new HostedAgent({ edge }).join();
  edge.tell({ type: "ended" });
  await ended.agent.finish();

  const hosted = new HostedAgent();
  const joined = await hosted.agent.join(await hosted.agent.createCall("default", "1"));
  await joined[Symbol.asyncDispose]();
  await hosted.agent.finish();

  const closed = await new HostedAgent().join();
  closed.handle.close(new Error("over"));
  await closed.agent.finish();
  t.is(await closed.agent.say("hello?"), "interrupted");
  t.deepEqual(closed.said, []);
});

test("a call that is joined too late, or after a close, is left at once", async (t) => {
  class SlowEdge extends CrowdedEdge {
    readonly asked = Promise.withResolvers<void>();
    readonly arrival = Promise.withResolvers<void>();
    readonly departure = Promise.withResolvers<void>();
    override async join() {
      this.asked.resolve();
      await this.arrival.promise;
      const connection = await super.join();
      return { ...connection, leave: async () => this.departure.resolve() };
    }
  }
  for (const limits of [{ joinTimeoutMs: 30 }, {}]) {
    const edge = new SlowEdge();
    const hosted = new HostedAgent({ edge, limits });
    const joining = hosted.join();
    await edge.asked.promise;
    if (limits.joinTimeoutMs === undefined) {
      hosted.handle.close(new Error("closed while joining"));
      await t.throwsAsync(joining, { message: "closed while joining" });
      t.deepEqual(hosted.measurements, []);
    } else {
      await t.throwsAsync(joining, {
        message: "To join the call took longer than 30 ms (limits.joinTimeoutMs)",
      });
      t.like(hosted.measurements, [
        { kind: "error", component: "edge", provider: "crowded", error: "timeout" },
      ]);
    }
    edge.arrival.resolve();
    await edge.departure.promise;
    t.is(hosted.agent.onCallFor(), 0);
  }
});

test("participants who are seen in the call are company; being alone counts from when the last one left", async (t) => {
  const edge = new CrowdedEdge();
  const hosted = await new HostedAgent({ edge }).join();
  t.deepEqual(hosted.presence, []);
  t.is(hosted.agent.idleFor(), 0);
  t.true(hosted.agent.onCallFor() > 0);
  const participant = { id: "bob", name: "Bob" };
  edge.participants.clear();
  edge.tell({ type: "participant_left", participant });
  t.is(hosted.presence.length, 1);
  t.true(hosted.agent.idleFor() > 0);
  edge.participants.set("bob", participant);
  edge.tell({ type: "participant_joined", participant });
  t.deepEqual(hosted.presence.slice(1), [null]);
});

test("close leaves once, and closes all parts though some of them fail", async (t) => {
  const edge = new CrowdedEdge();
  const closed: string[] = [];
  const part = (name: string) => ({
    provider: name,
    model: name,
    close: async () => {
      closed.push(name);
      throw new Error(`${name} is stuck`);
    },
  });
  const hosted = new HostedAgent({
    edge,
    stt: { ...part("ears"), listen: () => Promise.reject(new Error("no sound here")) },
    tts: {
      ...part("voice"),
      speak: () => {
        throw new Error("no sound here");
      },
    },
  });
  await hosted.join();
  await Promise.all([hosted.agent.close(), hosted.agent.close()]);
  t.is(edge.left, 1);
  t.deepEqual(closed.sort(), ["ears", "voice"]);
  t.deepEqual(hosted.logged.map(([, message]) => message).sort(), [
    "The agent could not close the recogniser",
    "The agent could not close the voice",
  ]);
});

test("a listener that throws, now or later, is logged; others still hear", async (t) => {
  const hosted = await new HostedAgent().join();
  const kinds: string[] = [];
  hosted.agent.subscribe(() => {
    throw new Error("at once");
  });
  hosted.agent.subscribe(() => Promise.reject(new Error("later")));
  const unsubscribe = hosted.agent.subscribe((event) => kinds.push(event.type));
  await hosted.agent.say("hello");
  unsubscribe();
  await hosted.agent.say("nobody listens");
  t.deepEqual(kinds, ["transcript", "transcript", "turn"]);
  const thrown = hosted.logged.filter(
    ([, message]) => message === "A listener of the agent's events threw an error",
  );
  t.is(thrown.length, 12);
});

test("log lines hold no words unless they may", async (t) => {
  for (const logTranscripts of [false, true]) {
    const hosted = await new HostedAgent({}, { logTranscripts }).join();
    await new Promise<void>((resolve) => {
      hosted.agent.subscribe((event) => event.type === "turn" && resolve());
      hosted.type("my secret");
    });
    const lines = JSON.stringify(hosted.logged.filter(([, message]) => message === "A turn is over"));
    t.is(lines.includes("my secret"), logTranscripts);
    t.true(lines.includes('"outcome":"done"'));
  }
});

test("the conversation is bounded: whole exchanges are forgotten, oldest first", async (t) => {
  const llm = new ScriptedLlm();
  const hosted = await new HostedAgent({ llm, limits: { maxHistoryMessages: 4 } }).join();
  for (const text of ["one", "two", "three"]) await hosted.agent.simpleResponse(text);
  await hosted.agent.simpleResponse("four");
  t.deepEqual(
    llm.requests.at(-1)?.messages.map((message) => ("text" in message ? message.text : message.role)),
    ["two", "You said two", "three", "You said three", "four"],
  );
});

test("mistakes in the options are named", (t) => {
  const given = {
    edge: new local.Edge(),
    agentUser: { id: "a", name: "A" },
    instructions: "",
    llm: new local.LLM(),
  };
  t.throws(() => new Agent({ ...given, llm: undefined as never }), { message: /llm is missing/ });
  t.throws(() => new Agent({ ...given, limits: { toolTimeout: 1 } as never }), {
    message: /limits.toolTimeout/,
  });
  t.throws(() => new Agent({ ...given, limits: { toolTimeoutMs: 0.5 } }), {
    message: /limits.toolTimeoutMs/,
  });
  t.throws(() => defineAgent({ createAgent: () => new Agent(given) } as never), { message: /joinCall/ });
});

test("functions that cannot work are refused when they are registered", (t) => {
  const llm = new local.LLM();
  const execute = () => null;
  llm.registerFunction({ name: "twice", description: "", execute });
  t.throws(() => llm.registerFunction({ name: "twice", description: "", execute }), { message: /already/ });
  t.throws(() => llm.registerFunction({ name: "with space", description: "", execute }), { message: /name/ });
  t.throws(() => llm.registerFunction({ name: "text", description: "", parameters: z.string(), execute }), {
    message: /schema of an object/,
  });
  const silent = {
    "~standard": { version: 1 as const, vendor: "silent", validate: (value: unknown) => ({ value }) },
  };
  t.throws(() => llm.registerFunction({ name: "silent", description: "", parameters: silent, execute }), {
    message: /silent schema cannot describe itself/,
  });
  llm.registerFunction({
    name: "told",
    description: "",
    parameters: silent,
    jsonSchema: { type: "object" },
    execute,
  });
  t.deepEqual([...llm.functions.keys()], ["twice", "told"]);
  t.deepEqual(llm.functions.get("twice")?.declaration.parameters, { type: "object", properties: {} });
});

test("a zod schema is shown to the model as JSON Schema", (t) => {
  const llm = new local.LLM();
  llm.registerFunction({
    name: "get_weather",
    description: "Get current weather for a location",
    parameters: z.object({ location: z.string().describe("A city") }),
    execute: ({ location }) => location.toUpperCase(),
  });
  t.like(llm.functions.get("get_weather")?.declaration.parameters, {
    type: "object",
    properties: { location: { type: "string", description: "A city" } },
    required: ["location"],
  });
  t.false("$schema" in (llm.functions.get("get_weather")?.declaration.parameters ?? {}));
});

/** Resolves when the agent has said this piece. */
function heard(agent: Agent, piece: string): Promise<void> {
  return new Promise((resolve) => {
    agent.subscribe((event: AgentEvent) => {
      if (event.type === "transcript" && event.delta === piece) resolve();
    });
  });
}
