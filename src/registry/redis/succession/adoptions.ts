import type { Adoption, RegistryHooks, SessionRecord } from "../../registry.ts";
import type { RedisLink } from "../connection/link.ts";
import { adopt, disown } from "../scripts/succession.ts";
import { ownerOf, parseRecord } from "../sessions/records.ts";
import type { SealedTexts } from "./sealed-text.ts";

/** The most sessions that are remembered which this process could not go on with; the oldest go first. */
const mostLeft = 100;
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
  /** Notes that this process does not have the session after all. */
  readonly left: (sessionId: string) => void;
}

/** A session that Redis gave to this process. */
interface Offered {
  /** The session as it was in the process that is dead. */
  readonly record: SessionRecord;
  /** The time since which it has waited, in epoch milliseconds by the clock of Redis. */
  readonly since: string;
}

/** Takes up sessions whose process is dead. Each process with room takes a share, so that they are spread. */
export class Adoptions {
  readonly #options: AdoptionsOptions;
  #taking = false;
  /** True where Redis may have given sessions to this process in an answer that did not come. */
  #isUncertain = false;
  /** The sessions that this process cannot go on with, so that they are left to others. */
  readonly #left = new Set<string>();

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
    const roomAfter = (roomOfAll - waiting) / (others.length + 1);
    const most = Math.min(room, Math.max(1, Math.ceil(room - roomAfter)), mostAtOnce);
    this.#isUncertain = true;
    const [, , adopted] = await link.runAsOwner(adopt, [most, this.#left.size, ...this.#left]);
    this.#isUncertain = false;
    const flat = adopted as readonly string[];
    const refused: Offered[] = [];
    for (let at = 0; at < flat.length; at += 4) {
      const [sessionId = "", data = "", state = "", since = ""] = flat.slice(at, at + 4);
      const offered = { record: parseRecord(data), since };
      const adoption = this.#take(offered.record, state);
      if (adoption === "never") this.#leave(sessionId);
      if (adoption !== "taken") refused.push(offered);
    }
    if (refused.length > 0) await this.#returnToOthers(refused);
  }

  /** Gives back the sessions that Redis gave to this process without its knowledge, so that they are taken up after all. */
  async #giveBack(): Promise<void> {
    const { link, knows } = this.#options;
    const unknown = (await link.knownSessions()).filter((sessionId) => !knows(sessionId));
    if (unknown.length > 0)
      await link.runAsOwner(disown, [unknown.length, ...unknown.flatMap((sessionId) => [sessionId, "", ""])]);
    this.#isUncertain = false;
  }

  /** Notes that another process may have the key of a session, or another version. */
  #leave(sessionId: string): void {
    this.#left.add(sessionId);
    const [oldest = ""] = this.#left;
    if (this.#left.size > mostLeft) this.#left.delete(oldest);
  }

  /** Gives back sessions that do not go on here. They have waited since the same time as before, so that the wait is bounded. */
  async #returnToOthers(offered: readonly Offered[]): Promise<void> {
    const { link, left } = this.#options;
    for (const { record } of offered) left(record.sessionId);
    const given = offered.flatMap(({ record: { sessionId, nodeId, epoch }, since }) => [
      sessionId,
      ownerOf(nodeId, epoch),
      since,
    ]);
    this.#isUncertain = true;
    await link.runAsOwner(disown, [offered.length, ...given]);
    this.#isUncertain = false;
  }

  /** Goes on with a session, if this process can. */
  #take(record: SessionRecord, sealed: string): Adoption {
    const { texts, hooks, taken } = this.#options;
    const { sessionId } = record;
    taken(record);
    let carried: string | Error;
    try {
      carried = texts.open(sessionId, sealed);
    } catch (error) {
      carried = error instanceof Error ? error : new Error(String(error));
    }
    return hooks.adopted(record, carried);
  }
}
