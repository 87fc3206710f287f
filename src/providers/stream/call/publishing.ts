import { PermissionToSpeak, type TrackUnpublished } from "../participants/permission-to-speak.ts";
import type { SfuSession } from "../sfu/sfu-session.ts";
import type { MutedBy } from "./call-connection-event.ts";
import type { Migration } from "./migration.ts";

export interface PublishOptions {
  readonly iceRestart?: boolean;
}

/** The agent's track in a call: it is published where that is permitted, and muted while it is not. */
export class Publishing {
  readonly #migration: Pick<Migration, "current">;
  readonly #permission: PermissionToSpeak;

  /** @param onMuted A function that is called where the agent is muted, or heard again (null). */
  constructor(migration: Pick<Migration, "current">, onMuted: (by: MutedBy | null) => void) {
    this.#migration = migration;
    this.#permission = new PermissionToSpeak(onMuted);
  }

  /** Returns whether the agent is permitted to be heard. */
  get permitted(): boolean {
    return this.#permission.mutedBy === null;
  }

  /**
   * Publishes the track on a session where that is permitted. A track that was published before is only muted where it is
   * not.
   */
  publish(session: SfuSession, options: PublishOptions = {}): void {
    void session.mute(!this.permitted);
    if (this.permitted || session.media.publisher.tracks.length > 0) void session.publish(options);
  }

  /** Applies the capabilities of a join. The track is published once its session starts. */
  setCapabilities(capabilities: readonly string[]): void {
    this.#permission.setCapabilities(capabilities);
  }

  setGrants(mayPublish: boolean): void {
    this.#change(() => this.#permission.setGrants(mayPublish));
  }

  trackUnpublished(track: TrackUnpublished, ownSessionId: string): void {
    this.#change(() => this.#permission.trackUnpublished(track, ownSessionId));
  }

  /** Ends the muting by a moderator. */
  unmute(): void {
    this.#change(() => this.#permission.unmute());
  }

  /** Applies a change of the permission, and mutes, unmutes or publishes the track where the result differs. */
  #change(change: () => void): void {
    const before = this.permitted;
    change();
    const session = this.#migration.current;
    if (before === this.permitted || session === null) return;
    void session.mute(before);
    if (!before && session.media.publisher.tracks.length === 0) void session.publish();
  }
}
