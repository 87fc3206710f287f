import type { RegistryHooks, SessionRecord } from "../../registry.ts";
import type { RedisLink } from "../connection/link.ts";
import { adopt, disown } from "../scripts/succession.ts";
import { parseRecord } from "../sessions/records.ts";
import type { SealedTexts } from "./sealed-text.ts";

/** The most sessions that are taken up at once. */
const mostAtOnce = 20;

export interface AdoptionsOptions {
  readonly link: RedisLink;
  readonly texts: SealedTexts;
  readonly hooks: Pick<RegistryHooks, "adoptable" | "adopted">;
  /** Returns whether this process has the session, or has had it, and writes its end. */
  readonly knows: (sessionId: string) => boolean;
  /** Notes a session that this process has from now on, by its record before. */
  readonly taken: (record: SessionRecord) => void;
}

/** Takes up sessions whose process is dead. Each process with room takes a share, so that they are spread. */
export class Adoptions {
  readonly #options: AdoptionsOptions;
  #taking = false;
  /** True where Redis may have given sessions to this process in an answer that did not come. */
  #isUncertain = false;

  constructor(options: AdoptionsOptions) {
    this.#options = options;
  }

  /** Takes some of the sessions that wait for it, as many as there is room for. Never rejects. */
  async take(waiting: number): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    try {
      if (this.#isUncertain) await this.#giveBack();
      if (waiting > 0) await this.#takeSome(waiting);
    } catch {
      // Redis is out of reach: the next heartbeat that gets through tries again.
    } finally {
      this.#taking = false;
    }
  }

  async #takeSome(waiting: number): Promise<void> {
    const { link, hooks } = this.#options;
    const room = hooks.adoptable();
    if (room <= 0) return;
    const others = link.peers.filter(({ accepting, free }) => accepting && free > 0);
    const roomOfAll = others.reduce((sum, { free }) => sum + free, room);
    // All have the same room afterwards, as far as is known. At least one is taken: others may take none.
    const left = (roomOfAll - waiting) / (others.length + 1);
    const most = Math.min(room, Math.max(1, Math.ceil(room - left)), mostAtOnce);
    this.#isUncertain = true;
    const [, , adopted] = await link.runAsOwner(adopt, [most]);
    this.#isUncertain = false;
    const flat = adopted as readonly string[];
    for (let at = 0; at < flat.length; at += 3) this.#take(flat[at]!, flat[at + 1]!, flat[at + 2]!);
  }

  /** Gives back the sessions that Redis gave to this process without its knowledge, so that they are taken up after all. */
  async #giveBack(): Promise<void> {
    const { link, knows } = this.#options;
    const unknown = (await link.knownSessions()).filter((sessionId) => !knows(sessionId));
    if (unknown.length > 0) await link.runAsOwner(disown, [unknown.length, ...unknown]);
    this.#isUncertain = false;
  }

  #take(sessionId: string, data: string, sealed: string): void {
    const { texts, hooks, taken } = this.#options;
    const record = parseRecord(data);
    taken(record);
    let carried: string | Error;
    try {
      carried = texts.open(sessionId, sealed);
    } catch (error) {
      carried = error instanceof Error ? error : new Error(String(error));
    }
    hooks.adopted(record, carried);
  }
}
