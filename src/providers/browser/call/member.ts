import type { Participant } from "../../../agent/edge.ts";
import { Framer, frameLength } from "../../../audio/pcm.ts";
import { Resampler } from "../../../audio/resampler.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { type Client, heardRate, spokenRate } from "./client.ts";

/** Messages that a client may send in a second; one that sends more is no client of ours. */
const mostMessages = 100;

/** A participant in the call, with the connection that it has at the moment. */
export class Member implements Participant {
  readonly id: string;
  readonly name: string;
  /** The text by which another connection of the same participant is known. */
  readonly resume: string;
  readonly client: Client;
  /** The time that sound waits in the client until it is heard, in milliseconds; null where it does not say. */
  playoutMs: number | null = null;
  /** What was said while the participant was out of the call, until it is told. */
  missed: readonly JsonObject[] = [];
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

  /** Returns 20 ms of what the participant says, as others are to hear it; null at first, as the resampler looks ahead. */
  forOthers(samples: Int16Array): Int16Array | null {
    this.#upsampler ??= new Resampler(heardRate, spokenRate);
    return this.#framer.push(this.#upsampler.push(samples))[0] ?? null;
  }

  tell(message: JsonObject): void {
    this.client.tell(message);
  }

  /** Counts a message. Returns whether there were too many of late. */
  floods(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#messages = 0;
    this.#second = second;
    this.#messages += 1;
    return this.#messages > mostMessages;
  }
}
