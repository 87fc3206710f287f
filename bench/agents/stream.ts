// Talks without end in a call on Stream, and counts what it hears. `joining` and, when asked, `heard` are told on the channel that
// `config.channel` names.
import { BroadcastChannel } from "node:worker_threads";
import { Agent, defineAgent, type STT } from "greenroom";
import * as stream from "greenroom/stream";
import * as testing from "greenroom/testing";
import { now } from "../../src/protocol.ts";

/** What an agent of this bench tells. Epoch milliseconds. */
export type StreamAgentTold =
  | { readonly type: "joining"; readonly callId: string; readonly at: number }
  | {
      readonly type: "heard";
      readonly callId: string;
      readonly at: number;
      /** Of all participants together. */
      readonly frames: number;
      readonly heapBytes: number;
    };

/** Four seconds of one tone. */
const sentence = "I say one and the same for ever and more";
const characterMs = 100;

/** Counts frames instead of understanding them. */
class Counter extends testing.STT {
  frames = 0;
  override async listen(options: Parameters<STT["listen"]>[0]): Promise<testing.SpeechStream> {
    const ear = await super.listen(options);
    return Object.assign(Object.create(ear), {
      write: () => {
        this.frames += 1;
      },
      close: () => ear.close(),
      [Symbol.asyncIterator]: () => ear[Symbol.asyncIterator](),
    });
  }
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
    channel.onmessage = () =>
      tell({
        type: "heard",
        callId,
        at: now(),
        frames: counters.get(agent)?.frames ?? 0,
        heapBytes: process.memoryUsage().heapUsed,
      });
    const call = await agent.createCall(callType, callId);
    tell({ type: "joining", callId, at: now() });
    await using _ = await agent.join(call);
    const over = agent.finish().then(() => true);
    for (;;) {
      const said = agent.say(`${sentence}. `.repeat(15), { interruptible: false }).catch(() => null);
      if (await Promise.race([over, said.then(() => false)])) break;
    }
    channel.close();
  },
});
