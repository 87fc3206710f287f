import { within } from "../deadline.ts";
import { type PlainError, plainError } from "../errors.ts";
import type { AgentService } from "../protocol.ts";
import type { Edge } from "./edge.ts";
import type { Log } from "./host.ts";
import type { LLM } from "./llm.ts";
import type { STT } from "./stt.ts";
import type { TTS } from "./tts.ts";

export interface ReadinessOptions {
  readonly edge: Edge;
  readonly llm: LLM;
  readonly stt: STT | undefined;
  readonly tts: TTS | undefined;
  /** Fires when the conversation is over. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** How long a service is waited for that is to tell whether it lets the agent in, in milliseconds. */
const checkTimeoutMs = 5_000;

/** Makes an agent's services ready: connections are made before somebody waits for them. */
export class Readiness {
  readonly #options: ReadinessOptions;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /**
   * For a call to come: the first turn then pays no handshake. Begun as the agent joins; earlier, connections would be
   * closed again by the time of the call.
   */
  prepare(): void {
    const { edge, llm, stt, tts } = this.#options;
    for (const service of edge.sound === false ? [llm] : [llm, stt, tts]) void this.#prepare(service);
  }

  /** For a rehearsal: who does what, and which of them is known not to work, such as for a wrong key. */
  async report(): Promise<AgentService[]> {
    const { edge, llm, stt, tts } = this.#options;
    const parts = Object.entries({ llm, stt, tts }) as ["llm" | "stt" | "tts", LLM | STT | TTS | undefined][];
    const services = parts.map(async ([part, service]): Promise<AgentService[]> => {
      if (service === undefined) return [];
      const { provider, model } = service;
      return [{ part, provider, model, problem: await this.#check(service) }];
    });
    const place = async (): Promise<AgentService> => {
      const { provider } = edge;
      return { part: "edge", provider, model: null, problem: await this.#check(edge) };
    };
    return (await Promise.all([...services, place()])).flat();
  }

  async #prepare(service: LLM | STT | TTS | undefined): Promise<void> {
    const { signal, log } = this.#options;
    try {
      await service?.warm?.(signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ provider: service?.provider, err: plainError(error) }, "could not connect ahead");
    }
  }

  async #check(service: Pick<LLM | STT | TTS | Edge, "provider" | "warm">): Promise<PlainError | null> {
    const { signal } = this.#options;
    try {
      await within(
        service.warm?.(signal) ?? Promise.resolve(),
        checkTimeoutMs,
        `To reach ${service.provider}`,
      );
      return null;
    } catch (error) {
      return signal.aborted ? null : plainError(error);
    }
  }
}
