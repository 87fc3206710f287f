import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { BroadcastChannel } from "node:worker_threads";
import { AgentLauncher, type Session } from "greenroom";
import type { StreamAgentTold } from "../agents/stream.ts";
import type { FromFake, OrderResults, StreamOrder } from "./order.ts";

const channelName = "greenroom-bench-stream";
const patienceMs = 60_000;

type Told<T extends StreamAgentTold["type"]> = Extract<StreamAgentTold, { readonly type: T }>;

/** A server whose agents join calls of a fake Stream in another process. */
export class StreamStage implements AsyncDisposable {
  readonly launcher: AgentLauncher;
  readonly #fake: ChildProcess;
  readonly #channel = new BroadcastChannel(channelName);
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #told: StreamAgentTold[] = [];
  #orders = 0;

  private constructor(launcher: AgentLauncher, fake: ChildProcess) {
    this.launcher = launcher;
    this.#fake = fake;
    fake.on("message", (message: FromFake) => {
      if (message.type === "ready") return;
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type === "done") waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.message));
    });
    fake.on("exit", (code, signal) => {
      const error = new Error(`The fake Stream ended (${signal ?? code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
    this.#channel.onmessage = (event) => {
      const { data } = event as unknown as { readonly data: StreamAgentTold | string };
      if (typeof data !== "string") this.#told.push(data);
    };
  }

  /** @param calls Most calls at a time; a thread is warm for each of them. */
  static async open(calls: number): Promise<StreamStage> {
    const fake = fork(new URL("./fake.ts", import.meta.url), { serialization: "advanced" });
    const [{ environment }] = (await once(fake, "message")) as [Extract<FromFake, { type: "ready" }>];
    const launcher = new AgentLauncher({
      ignoreLoad: true,
      agent: new URL("../agents/stream.ts", import.meta.url),
      maxConcurrentSessions: calls,
      warmSessions: calls,
      threadStartTimeoutMs: 60_000,
      agentIdleTimeoutMs: 0,
      logLevel: "silent",
      agentsLogLevel: "silent",
      agentEnvironment: { ...(process.env as Record<string, string>), ...environment },
    });
    await launcher.start();
    return new StreamStage(launcher, fake);
  }

  /** Sends an order to the other process, and resolves with its answer. */
  ask<T extends StreamOrder["type"]>(
    order: Extract<StreamOrder, { readonly type: T }>,
  ): Promise<OrderResults[T]> {
    const id = ++this.#orders;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#fake.send({ id, order });
    return waiting.promise as Promise<OrderResults[T]>;
  }

  /** Starts a session in a call in which somebody listens. */
  async call(callId: string, speaks = false): Promise<Session> {
    await this.ask({ type: "listen", callId, speaks });
    const session = await this.launcher.startSession({ callId, config: { channel: channelName } });
    await this.ask({ type: "first_heard", callId });
    return session;
  }

  /** Resolves with what an agent told of its call. */
  async told<T extends StreamAgentTold["type"]>(type: T, callId: string): Promise<Told<T>> {
    const signal = AbortSignal.timeout(patienceMs);
    for (;;) {
      const found = this.#told.find((one): one is Told<T> => one.type === type && one.callId === callId);
      if (found !== undefined) return found;
      await once(this.#channel as unknown as EventTarget, "message", { signal });
    }
  }

  /** Resolves with what the agent of a call has heard so far. */
  async heard(callId: string): Promise<Told<"heard">> {
    this.#told = this.#told.filter((one) => one.type !== "heard");
    this.#channel.postMessage(callId);
    return this.told("heard", callId);
  }

  async end(session: Session): Promise<void> {
    await this.launcher.closeSession(session.id, { wait: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.launcher.stop();
    this.#fake.kill();
  }
}
