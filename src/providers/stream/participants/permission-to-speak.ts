import type { MutedBy } from "../call/call-connection-event.ts";
import { TrackType, TrackUnpublishReason } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";

type TrackUnpublished = Extract<SfuEvent, { type: "trackUnpublished" }>["value"];

/** The silences of the agent, by the cause of its track's end. Its own muting is none: it never mutes itself. */
const silences: Readonly<Record<number, MutedBy>> = {
  [TrackUnpublishReason.PERMISSION_REVOKED]: "grants",
  [TrackUnpublishReason.MODERATION]: "moderation",
};

/** Knows whether the agent may be heard: a matter of its rights, and of whoever may mute it. */
export class PermissionToSpeak {
  readonly #onChange: (silence: MutedBy | null) => void;
  #silence: MutedBy | null = null;

  constructor(onChange: (silence: MutedBy | null) => void) {
    this.#onChange = onChange;
  }

  /** The reason for which the agent may not be heard; null: it may. */
  get silence(): MutedBy | null {
    return this.#silence;
  }

  /** Takes the capabilities that the coordinator allows, anew with each join. */
  takeCapabilities(capabilities: readonly string[]): void {
    // Those of a server that tells none are unknown.
    if (capabilities.length > 0) this.#allow(capabilities.includes("send-audio"), "capabilities");
  }

  takeGrants(mayPublish: boolean): void {
    this.#allow(mayPublish, "grants");
  }

  /**
   * Takes in that a track was unpublished: somebody with the right to do so may have turned the agent's own microphone
   * off.
   */
  takeUnpublished({ sessionId, type, cause }: TrackUnpublished, ownSessionId: string): void {
    const silence = silences[cause];
    if (sessionId === ownSessionId && type === TrackType.AUDIO && silence) this.#set(silence);
  }

  /** Lets an agent speak again that a moderator muted. Only the agent's own decision does so. */
  unmute(): void {
    if (this.#silence === "moderation") this.#set(null);
  }

  #allow(may: boolean, why: MutedBy): void {
    if (!may) this.#set(why);
    else if (this.#silence !== "moderation") this.#set(null);
  }

  #set(silence: MutedBy | null): void {
    if (silence === this.#silence) return;
    this.#silence = silence;
    this.#onChange(silence);
  }
}
