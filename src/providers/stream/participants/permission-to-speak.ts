import type { MutedBy } from "../call/call-connection-event.ts";
import { TrackType, TrackUnpublishReason } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";

/** The end of a track, as an SFU tells it. */
export type TrackUnpublished = Extract<SfuEvent, { type: "trackUnpublished" }>["value"];

/**
 * The causes of muting, by the reason for which a track was unpublished. Muting by the agent itself is not
 * among them, since it never mutes itself.
 */
const mutedByCause: Readonly<Record<number, MutedBy>> = {
  [TrackUnpublishReason.PERMISSION_REVOKED]: "grants",
  [TrackUnpublishReason.MODERATION]: "moderation",
};

/** Tracks whether the agent may be heard: that depends on its capabilities, its grants and on moderators. */
export class PermissionToSpeak {
  readonly #onChange: (mutedBy: MutedBy | null) => void;
  #mutedBy: MutedBy | null = null;

  constructor(onChange: (mutedBy: MutedBy | null) => void) {
    this.#onChange = onChange;
  }

  /** Returns the cause for which the agent may not be heard; null: it may. */
  get mutedBy(): MutedBy | null {
    return this.#mutedBy;
  }

  /** Applies the capabilities that the coordinator returned with a join. */
  setCapabilities(capabilities: readonly string[]): void {
    // A server that returns none leaves them unknown.
    if (capabilities.length > 0) this.#allow(capabilities.includes("send-audio"), "capabilities");
  }

  /** Applies a change of the grants. */
  setGrants(mayPublish: boolean): void {
    this.#allow(mayPublish, "grants");
  }

  /** Applies the end of a track: a moderator may have turned the agent's own microphone off. */
  trackUnpublished({ sessionId, type, cause }: TrackUnpublished, ownSessionId: string): void {
    const mutedBy = mutedByCause[cause];
    if (sessionId === ownSessionId && type === TrackType.AUDIO && mutedBy) this.#set(mutedBy);
  }

  /** Ends the muting by a moderator. Only the agent's own decision calls this. */
  unmute(): void {
    if (this.#mutedBy === "moderation") this.#set(null);
  }

  #allow(may: boolean, cause: MutedBy): void {
    if (!may) this.#set(cause);
    else if (this.#mutedBy !== "moderation") this.#set(null);
  }

  #set(mutedBy: MutedBy | null): void {
    if (mutedBy === this.#mutedBy) return;
    this.#mutedBy = mutedBy;
    this.#onChange(mutedBy);
  }
}
