/** The parts of the messages of Stream's SFU signalling. Their field numbers are those of Stream's protocol. */
import { AudioBitrateProfile, ConnectionQuality, ErrorCode, ParticipantSource, TrackType } from "./enums.ts";
import { type MessageInput, type MessageValue, message } from "./message.ts";

/** A message without fields. It also stands for events about video, of which only the arrival matters. */
export const Empty = message({});

export const Timestamp = message({ seconds: [1, "int64"], nanos: [2, "int32"] });

export const Codec = message({
  name: [10, "string"],
  fmtp: [12, "string"],
  clockRate: [14, "uint32"],
  encodingParameters: [15, "string"],
  payloadType: [16, "uint32"],
});

export const VideoDimension = message({ width: [1, "uint32"], height: [2, "uint32"] });

export const AudioBitrate = message({ profile: [1, AudioBitrateProfile], bitrate: [2, "int32"] });

export const PublishOption = message({
  trackType: [1, TrackType],
  codec: [2, Codec],
  bitrate: [3, "int32"],
  fps: [4, "int32"],
  maxSpatialLayers: [5, "int32"],
  maxTemporalLayers: [6, "int32"],
  videoDimension: [7, VideoDimension],
  id: [8, "int32"],
  useSingleLayer: [9, "bool"],
  audioBitrateProfiles: [10, AudioBitrate, "repeated"],
});

export const TrackInfo = message({
  trackId: [1, "string"],
  trackType: [2, TrackType],
  mid: [6, "string"],
  dtx: [7, "bool"],
  stereo: [8, "bool"],
  red: [9, "bool"],
  muted: [10, "bool"],
  codec: [11, Codec],
  publishOptionId: [12, "int32"],
  selfSubAudioVideo: [13, "bool"],
});

export const TrackSubscriptionDetails = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  trackType: [3, TrackType],
  dimension: [4, VideoDimension],
});

export const Participant = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  publishedTracks: [3, TrackType, "repeated"],
  joinedAt: [4, Timestamp],
  trackLookupPrefix: [5, "string"],
  connectionQuality: [6, ConnectionQuality],
  isSpeaking: [7, "bool"],
  isDominantSpeaker: [8, "bool"],
  audioLevel: [9, "float"],
  name: [10, "string"],
  image: [11, "string"],
  roles: [13, "string", "repeated"],
  source: [14, ParticipantSource],
});

export const ParticipantCount = message({ total: [1, "uint32"], anonymous: [2, "uint32"] });

export const CallState = message({
  participants: [1, Participant, "repeated"],
  startedAt: [2, Timestamp],
  participantCount: [3, ParticipantCount],
  e2eeEnabled: [5, "bool"],
});

export const SfuError = message({
  code: [1, ErrorCode],
  message: [2, "string"],
  shouldRetry: [3, "bool"],
});

export type PublishOption = MessageValue<typeof PublishOption>;
export type TrackInfo = MessageInput<typeof TrackInfo>;
export type TrackSubscription = MessageInput<typeof TrackSubscriptionDetails>;
export type SfuParticipant = MessageValue<typeof Participant>;
export type SfuError = MessageValue<typeof SfuError>;
