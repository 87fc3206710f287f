// Talks without end in a call on Stream, and counts what it hears. `joining` and, when asked by the call's id, `heard` are told on the
// channel that `config.channel` names.
import { BroadcastChannel } from "node:worker_threads";
import {
  Agent,
  defineAgent,
  type ListenOptions,
  type SpeechEvent,
  type SpeechStream,
  type STT,
} from "greenroom";
import * as stream from "greenroom/stream";
import * as testing from "greenroom/testing";
import { AsyncQueue } from "../../src/agent/async-queue.ts";
import { now } from "../../src/shared/protocol.ts";

/** A message of an agent of this bench. Times are epoch milliseconds. */
export type StreamAgentTold =
  | { readonly type: "joining"; readonly callId: string; readonly at: number }
  | {
      readonly type: "heard";
      readonly callId: string;
      readonly at: number;
      /** The frames of all participants together. */
      readonly frames: number;
      readonly heapBytes: number;
    };

/** Four seconds of one tone. */
const sentence = "I say one and the same for ever and more";
const characterMs = 100;

/** Counts frames instead of understanding them. */
class Counter implements STT {
  readonly provider = "bench";
  readonly model = "counter";
  frames = 0;

  async listen({ signal }: ListenOptions): Promise<SpeechStream> {
    const counter = this;
    const events = new AsyncQueue<SpeechEvent>();
    signal.addEventListener("abort", () => events.end(), { once: true });
    return {
      audioDurationMs: 0,
      write() {
        counter.frames += 1;
      },
      close: async () => events.end(),
      [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
    };
  }

  async close(): Promise<void> {}
}

const counters = new WeakMap<Agent, Counter>();

export default defineAgent({
  createAgent() {
    const stt = new Counter();
    const agent = new Agent({
      edge: new stream.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new testing.LLM(),
      stt,
      tts: new testing.TTS({ characterMs, sampleRate: 24_000 }),
      limits: { maxHistoryLength: 10_000 },
    });
    counters.set(agent, stt);
    return agent;
  },
  async joinCall(agent, { callType, callId, config }) {
    const channel = new BroadcastChannel(String(config.channel));
    const tell = (told: StreamAgentTold) => channel.postMessage(told);
    // The other agents are on it too.
    channel.onmessage = (event) => {
      if ((event as unknown as { readonly data: unknown }).data !== callId) return;
      const { frames } = counters.get(agent) ?? { frames: 0 };
      tell({ type: "heard", callId, at: now(), frames, heapBytes: process.memoryUsage().heapUsed });
    };
    const call = await agent.createCall(callType, callId);
    tell({ type: "joining", callId, at: now() });
    await using _ = await agent.join(call, { participantWaitTimeoutMs: null });
    const over = agent.finish().then(() => true);
    for (;;) {
      const said = agent.say(`${sentence}. `.repeat(15), { interruptible: false }).catch(() => null);
      if (await Promise.race([over, said.then(() => false)])) break;
    }
    channel.close();
  },
});
