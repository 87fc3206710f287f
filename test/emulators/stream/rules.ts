/** The behaviour of the fake without faults. It may be changed while the fake runs. */
export interface StreamRules {
  /** The time that a participant whose socket is gone without a goodbye stays in the call, in seconds. Default 10. */
  fastReconnectDeadlineSeconds: number;
  /** A socket on which nothing came for so long is given up. Clients send a health check every 5 or 10 s. Default 30,000. */
  signalTimeoutMs: number;
  /**
   * The time from the join on the new edge until `participantMigrationComplete` on the old one; `null`: it never comes.
   * Default 300.
   */
  migrationMs: number | null;
  /**
   * True where everybody's audio is offered without being asked for. Clients disagree about the real SFU. Default true.
   */
  forwardsAudioUnasked: boolean;
  /**
   * The time by which Stream's clock is ahead of this machine's, in milliseconds; negative where it is behind. Default 0.
   */
  clockAheadMs: number;
  /** True where answers carry a `Date`. Default true; some proxies take it away. */
  tellsDate: boolean;
  /** The time that a token of the SFU is good, in seconds. Default 3,600. */
  sfuTokenSeconds: number;
  /** The use of DTX in the settings of every call. Default true. */
  opusDtx: boolean;
  /** The ICE servers that a join hands out. Default none: host candidates on loopback are enough. */
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
  iceServers: [],
});
