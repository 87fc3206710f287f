// An agent that says over UDP that it is in its call, and behaves as `config.kind` says.
import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { Agent, type AgentSession, defineAgent } from "greenroom";
import * as local from "greenroom/local";
import { machineNow } from "../clock.ts";
import { type Heartbeat, heartbeatIntervalMs } from "./heartbeat.ts";
import { isMoving, kindThatMoves, kindThatSpeaks } from "./kinds.ts";

const leaked: unknown[] = [];
const never = (): Promise<never> => new Promise(() => {});

/** The kinds of behaviour of an agent in its call, once `config.after_ms` have passed. */
const behaviours: Readonly<Record<string, (agent: Agent, signal: AbortSignal) => unknown>> = {
  brief: () => undefined,
  stay: (agent) => agent.finish(),
  [kindThatMoves]: (agent) => agent.finish(),
  [kindThatSpeaks]: (agent) => agent.finish(),
  "slow-create": (agent) => agent.finish(),
  fail: () => {
    throw new TypeError("the agent failed");
  },
  crash: () => {
    setImmediate(() => {
      throw new Error("nobody caught this");
    });
    return never();
  },
  exit: () => process.exit(0),
  hang: () => {
    for (;;);
  },
  leak: async () => {
    for (;;) {
      leaked.push(Array.from({ length: 20_000 }, (_, index) => ({ index })));
      await delay(2);
    }
  },
  flood: async () => {
    for (;;) {
      for (let count = 0; count < 500; count += 1) parentPort?.postMessage({ flood: count });
      await delay(1);
    }
  },
  "refuse-close": never,
  "throw-on-close": (_, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
};

/** Says that the agent is in its call, from now on until it is disposed. */
function heartbeats({ sessionId, callId, config }: AgentSession): Disposable {
  const socket = createSocket("udp4").unref();
  socket.on("error", () => undefined);
  const say = () => {
    const heartbeat: Heartbeat = {
      session: sessionId,
      call: callId,
      key: String(config.key),
      pid: process.pid,
      at: machineNow(),
    };
    socket.send(JSON.stringify(heartbeat), Number(config.collector), "127.0.0.1");
  };
  say();
  const timer = setInterval(say, heartbeatIntervalMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.close();
    },
  };
}

/** Makes an agent in whose call the sound tells the words: see `spoken/`. Other agents need none of what it loads. */
async function speaking(): Promise<Agent> {
  const browser = await import("greenroom/browser");
  const testing = await import("greenroom/testing");
  const { answerTo, recogniser, voice } = await import("../spoken/agent-parts.ts");
  return new Agent({
    edge: new browser.Edge(),
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm: new testing.LLM({ otherwise: answerTo }),
    stt: recogniser,
    tts: voice,
    // Louder and quieter sound would be other words.
    bargeIn: { duckingDb: 0 },
    ttsTextTransforms: [],
  });
}

export default defineAgent({
  async createAgent({ config, signal }) {
    if (config.kind === "create-fails") throw new Error("there is no such agent");
    if (config.kind === "slow-create") await delay(Number(config.create_ms), undefined, { signal });
    if (config.kind === kindThatSpeaks) return speaking();
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new local.LLM({ wordDelayMs: 0 }),
      restore: isMoving(config.kind),
    });
  },
  async joinCall(agent, session) {
    const { callType, callId, config, signal } = session;
    await using _ = await agent.join(await agent.createCall(callType, callId));
    using _heartbeats = heartbeats(session);
    await delay(Number(config.after_ms), undefined, { signal });
    await behaviours[String(config.kind)]?.(agent, signal);
  },
});
