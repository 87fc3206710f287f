/**
 * The enumerations of Stream's signalling. In JSON their values have the enumeration's name before them, such as
 * `TRACK_TYPE_AUDIO`.
 */

export const TrackType = {
  UNSPECIFIED: 0,
  AUDIO: 1,
  VIDEO: 2,
  SCREEN_SHARE: 3,
  SCREEN_SHARE_AUDIO: 4,
} as const;

/** The two peer connections of a participant. */
export const PeerType = { PUBLISHER_UNSPECIFIED: 0, SUBSCRIBER: 1 } as const;

export const WebsocketReconnectStrategy = {
  UNSPECIFIED: 0,
  DISCONNECT: 1,
  FAST: 2,
  REJOIN: 3,
  MIGRATE: 4,
} as const;

/** The types of SDKs, without those of the app SDKs (0 to 7). */
export const SdkType = { GO: 8, PLAIN_JAVASCRIPT: 9, PYTHON: 10, VISION_AGENTS: 11 } as const;

export const ClientCapability = { UNSPECIFIED: 0, SUBSCRIBER_VIDEO_PAUSE: 1, COORDINATOR_STATS: 2 } as const;

export const ParticipantSource = {
  WEBRTC_UNSPECIFIED: 0,
  RTMP: 1,
  WHIP: 2,
  SIP: 3,
  RTSP: 4,
  SRT: 5,
} as const;

export const ConnectionQuality = { UNSPECIFIED: 0, POOR: 1, GOOD: 2, EXCELLENT: 3 } as const;

export const CallEndedReason = {
  UNSPECIFIED: 0,
  ENDED: 1,
  LIVE_ENDED: 2,
  KICKED: 3,
  SESSION_ENDED: 4,
} as const;

export const GoAwayReason = { UNSPECIFIED: 0, SHUTTING_DOWN: 1, REBALANCE: 2 } as const;

export const TrackUnpublishReason = {
  UNSPECIFIED: 0,
  USER_MUTED: 1,
  PERMISSION_REVOKED: 2,
  MODERATION: 3,
} as const;

export const AudioBitrateProfile = {
  VOICE_STANDARD_UNSPECIFIED: 0,
  VOICE_HIGH_QUALITY: 1,
  MUSIC_HIGH_QUALITY: 2,
} as const;

export const ErrorCode = {
  UNSPECIFIED: 0,
  PUBLISH_TRACK_NOT_FOUND: 100,
  PUBLISH_TRACKS_MISMATCH: 101,
  PUBLISH_TRACK_OUT_OF_ORDER: 102,
  PUBLISH_TRACK_VIDEO_LAYER_NOT_FOUND: 103,
  LIVE_ENDED: 104,
  PARTICIPANT_NOT_FOUND: 200,
  PARTICIPANT_MIGRATING_OUT: 201,
  PARTICIPANT_MIGRATION_FAILED: 202,
  PARTICIPANT_MIGRATING: 203,
  PARTICIPANT_RECONNECT_FAILED: 204,
  PARTICIPANT_MEDIA_TRANSPORT_FAILURE: 205,
  PARTICIPANT_SIGNAL_LOST: 206,
  CALL_NOT_FOUND: 300,
  CALL_PARTICIPANT_LIMIT_REACHED: 301,
  REQUEST_VALIDATION_FAILED: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SFU_SHUTTING_DOWN: 600,
  SFU_FULL: 700,
} as const;

/** Returns the name of a number, for a log line, or the number itself where it has none. */
export function nameIn(enumeration: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(enumeration).find((name) => enumeration[name] === number) ?? String(number);
}
