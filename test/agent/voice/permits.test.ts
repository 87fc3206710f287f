import test, { type ExecutionContext } from "ava";
import { type AgentOptions, fallback, type ListenOptions, type SpeechStream, type STT } from "greenroom";
import * as testing from "greenroom/testing";
import { AsyncQueue } from "../../../src/agent/async-queue.ts";
import { PermitTimeoutError } from "../../../src/agent/thread/permits.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

/** Permits that are held at the moment, by provider, of an agent in a call with sound. */
async function counted(t: ExecutionContext, options: Partial<AgentOptions>, refused: readonly string[] = []) {
  const asked: string[] = [];
  const held: string[] = [];
  const edge = new testing.Edge();
  const hosted = new HostedAgent(
    { edge, apology: null, ...options },
    {
      permit: async (provider, _signal, timeoutMs) => {
        asked.push(provider);
        if (refused.includes(provider)) throw new PermitTimeoutError(provider, timeoutMs);
        held.push(provider);
        return { [Symbol.dispose]: () => held.splice(held.indexOf(provider), 1) };
      },
    },
  );
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  return { asked, held, edge, hosted };
}

/** Returns a service as one of another provider. */
const named = <Service extends object>(service: Service, provider: string): Service =>
  Object.assign(service, { provider });

/** A recogniser that opens when it is told to, and does not care who still listens. */
class StubbornStt implements STT {
  readonly provider = "stubborn";
  readonly model = "ears";
  readonly #opened = Promise.withResolvers<void>();
  readonly #events = new AsyncQueue<never>();
  asked = false;
  closed = 0;

  open(): void {
    this.#opened.resolve();
  }

  async listen(_: ListenOptions): Promise<SpeechStream> {
    this.asked = true;
    await this.#opened.promise;
    return {
      audioDurationMs: 0,
      write: () => {},
      close: async () => {
        this.closed += 1;
        this.#events.end();
        throw new Error("The line is dead");
      },
      [Symbol.asyncIterator]: () => this.#events[Symbol.asyncIterator](),
    };
  }

  async close() {}
}

test("an ear that opens after its participant has left is closed, and gives back its permit", async (t) => {
  const stt = new StubbornStt();
  const { held, edge } = await counted(t, { stt });
  const alice = edge.addParticipant("alice");
  await until(() => stt.asked, "the ear");
  t.deepEqual(held, ["stubborn"]);
  alice.leave();
  stt.open();
  await until(() => stt.closed > 0 && held.length === 0, "the end of the ear");
});

test("an ear that cannot be closed is logged, and gives back its permit", async (t) => {
  const stt = new StubbornStt();
  const { held, edge, hosted } = await counted(t, { stt });
  const alice = edge.addParticipant("alice");
  stt.open();
  await until(() => stt.asked, "the ear");
  alice.leave();
  await until(() => held.length === 0, "the end of the ear");
  t.true(hosted.logged.some(([, message]) => message === "A stream of the recogniser was not closed"));
});

test("ears give back their permits when the agent closes", async (t) => {
  const { held, edge, hosted } = await counted(t, { stt: new testing.STT() });
  for (const name of ["alice", "bob"]) edge.addParticipant(name);
  await until(() => held.length === 2, "the ears");
  await hosted.agent.close();
  t.deepEqual(held, []);
});

test("of several ears each asks for a permit of its own, and gives it back as another listens", async (t) => {
  const [first, second, third] = [new testing.STT(), new testing.STT(), new testing.STT()];
  const stt = fallback([named(first, "a"), fallback([named(second, "b"), named(third, "c")])]);
  const { asked, held, edge, hosted } = await counted(t, { stt }, ["a"]);
  edge.addParticipant("alice");
  const ear = await second.stream("alice");
  t.deepEqual([asked, held], [["a", "b"], ["b"]]);
  ear.error(new Error("gone"), { fatal: true });
  await third.stream("alice");
  t.deepEqual([asked, held], [["a", "b", "c"], ["c"]]);
  const kinds = hosted.measurements.flatMap((one) => (one.kind === "error" ? [one.error] : []));
  t.is(kinds[0], "permit_timeout");
  await hosted.agent.close();
  t.deepEqual(held, []);
});

test("of several models and voices each asks for a permit of its own", async (t) => {
  const models = ["a", "b", "c"].map((provider) => named(new testing.LLM(), provider));
  const voices = ["d", "e", "f"].map((provider) => named(new testing.TTS(), provider));
  const llm = fallback([models[0]!, fallback([models[1]!, models[2]!])]);
  const tts = fallback([fallback([voices[0]!, voices[1]!]), voices[2]!]);
  const { asked, held, hosted } = await counted(t, { llm, tts }, ["a", "b", "d"]);
  t.is(await hosted.agent.simpleResponse("Yes."), "done");
  t.deepEqual(asked, ["a", "b", "c", "d", "e"]);
  t.deepEqual(held, []);
});

test("where nobody gets a permit the turn fails as such", async (t) => {
  const llm = fallback(["a", "b"].map((provider) => named(new testing.LLM(), provider)));
  const { held, hosted } = await counted(t, { llm, limits: { permitTimeoutMs: 7 } }, ["a", "b"]);
  t.is(await hosted.agent.simpleResponse("Greet."), "failed");
  const turn = hosted.events.find((event) => event.type === "turn");
  t.regex(
    turn?.error?.message ?? "",
    /^All 2 failed: a script: As many requests to a as may run .* 7 ms \(providerConcurrency, --provider-concurrency\); b /,
  );
  t.deepEqual(held, []);
  const kinds = hosted.measurements.flatMap((one) => (one.kind === "error" ? [one.error] : []));
  t.deepEqual(kinds, ["permit_timeout", "permit_timeout"]);
});
