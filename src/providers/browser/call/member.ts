import type { Participant } from "../../../agent/edge.ts";
import { Framer, frameLength } from "../../../audio/pcm.ts";
import { Resampler } from "../../../audio/resampler.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { type Client, heardRate, spokenRate } from "./client.ts";

/** The number of messages that a client may send in a second; the project's own client sends fewer. */
const mostMessages = 100;

/** A participant in the call, with its present connection. */
export class Member implements Participant {
  readonly id: string;
  readonly name: string;
  /** The secret by which another connection can resume this participant. */
  readonly resume: string;
  readonly client: Client;
  /** The secret by which it came back; null where it is new. Its client may not have received the other one. */
  cameBackBy: string | null = null;
  /**
   * The time that sound waits in the client until it is played, in milliseconds; null where it was not
   * reported.
   */
  playoutMs: number | null = null;
  /** The transcripts of the time in which the participant was disconnected, until they are sent. */
  missed: readonly JsonObject[] = [];
  /** True once its client is connected to the agent that takes up the call. */
  isReady = false;
  readonly #framer = new Framer(frameLength(spokenRate));
  #upsampler: Resampler | null = null;
  #second = 0;
  #messages = 0;

  constructor({ id, name }: Participant, client: Client, resume: string) {
    this.id = id;
    this.name = name;
    this.client = client;
    this.resume = resume;
  }

  /** Returns the secrets by which another connection can resume this participant. */
  get secrets(): readonly string[] {
    return this.cameBackBy === null ? [this.resume] : [this.resume, this.cameBackBy];
  }

  /**
   * Returns 20 ms of the participant's sound for the others; null at first, since the resampler looks ahead.
   */
  forOthers(samples: Int16Array): Int16Array | null {
    this.#upsampler ??= new Resampler(heardRate, spokenRate);
    return this.#framer.push(this.#upsampler.push(samples))[0] ?? null;
  }

  tell(message: JsonObject): void {
    this.client.tell(message);
  }

  /** Counts a message. Returns whether there were too many in the last second. */
  floods(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#messages = 0;
    this.#second = second;
    this.#messages += 1;
    return this.#messages > mostMessages;
  }
}
