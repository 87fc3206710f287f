/** The behaviour of the emulator without faults. It may be changed while the emulator runs. */
export interface StreamRules {
  /** The time for which a participant that disconnected without leaving remains in the call, in seconds. Default 10. */
  fastReconnectDeadlineSeconds: number;
  /** The time without a message after which a socket is closed, in milliseconds. Clients send a health check every 5 or 10 s. Default 30,000. */
  signalTimeoutMs: number;
  /**
   * The time from the join on the new SFU until `participantMigrationComplete` on the former one, in milliseconds; `null`: it is
   * never sent. Default 300.
   */
  migrationMs: number | null;
  /**
   * Says whether all audio is offered without a subscription. Clients disagree about the real SFU. Default true.
   */
  forwardsAudioUnasked: boolean;
  /**
   * The time by which Stream's clock is ahead of this machine's, in milliseconds; negative where it is behind. Default 0.
   */
  clockAheadMs: number;
  /** Says whether responses have a `Date`, which some proxies remove. Default true. */
  tellsDate: boolean;
  /** The lifetime of a token for an SFU, in seconds. Default 3,600. */
  sfuTokenSeconds: number;
  /** Says whether the settings of calls enable DTX. Default true. */
  opusDtx: boolean;
  /**
   * Says whether a user who joins takes their earlier session out of the call. Stream's own clients tell the sessions of a user apart,
   * who may join from several devices; whether there are apps where that is otherwise is not known here. Default false.
   */
  oneSessionPerUser: boolean;
  /** The ICE servers that a join returns. Default none, since host candidates on loopback are enough. */
  iceServers: readonly IceServer[];
}

export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly password: string;
}

export const defaultRules = (): StreamRules => ({
  fastReconnectDeadlineSeconds: 10,
  signalTimeoutMs: 30_000,
  migrationMs: 300,
  forwardsAudioUnasked: true,
  clockAheadMs: 0,
  tellsDate: true,
  sfuTokenSeconds: 3_600,
  opusDtx: true,
  oneSessionPerUser: false,
  iceServers: [],
});
