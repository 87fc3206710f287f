/** The messages of Stream's SFU signalling that an agent with audio needs. Their field numbers are those of Stream's protocol. */
import {
  CallEndedReason,
  ClientCapability,
  ConnectionQuality,
  GoAwayReason,
  ParticipantSource,
  PeerType,
  SdkType,
  TrackType,
  TrackUnpublishReason,
  WebsocketReconnectStrategy,
} from "./enums.ts";
import { type MessageInput, type MessageValue, message, oneof, type Variant } from "./message.ts";
import {
  CallState,
  Empty,
  Participant,
  ParticipantCount,
  PublishOption,
  SfuError,
  TrackInfo,
  TrackSubscriptionDetails,
} from "./models.ts";

export * from "./models.ts";

// Messages from the client on the websocket.

export const Sdk = message({
  type: [1, SdkType],
  major: [2, "string"],
  minor: [3, "string"],
  patch: [4, "string"],
});
export const OperatingSystem = message({
  name: [1, "string"],
  version: [2, "string"],
  architecture: [3, "string"],
});
export const Browser = message({ name: [1, "string"], version: [2, "string"] });
export const Device = message({ name: [1, "string"], version: [2, "string"] });

export const ClientDetails = message({
  sdk: [1, Sdk],
  os: [2, OperatingSystem],
  browser: [3, Browser],
  device: [4, Device],
  webrtcVersion: [5, "string"],
});

export const ReconnectDetails = message({
  strategy: [1, WebsocketReconnectStrategy],
  announcedTracks: [3, TrackInfo, "repeated"],
  subscriptions: [4, TrackSubscriptionDetails, "repeated"],
  reconnectAttempt: [5, "uint32"],
  fromSfuId: [6, "string"],
  previousSessionId: [7, "string"],
  reason: [8, "string"],
});

export const JoinRequest = message({
  token: [1, "string"],
  sessionId: [2, "string"],
  subscriberSdp: [3, "string"],
  clientDetails: [4, ClientDetails],
  fastReconnect: [6, "bool"],
  reconnectDetails: [7, ReconnectDetails],
  publisherSdp: [8, "string"],
  preferredPublishOptions: [9, PublishOption, "repeated"],
  capabilities: [11, ClientCapability, "repeated"],
  source: [12, ParticipantSource],
  unifiedSessionId: [13, "string"],
});

export const LeaveCallRequest = message({ sessionId: [1, "string"], reason: [2, "string"] });

export const SfuRequest = oneof({
  joinRequest: [1, JoinRequest],
  healthCheckRequest: [2, Empty],
  leaveCallRequest: [3, LeaveCallRequest],
});

// Messages from the SFU on the websocket.

export const SubscriberOffer = message({
  iceRestart: [1, "bool"],
  sdp: [2, "string"],
  negotiationId: [3, "uint32"],
});
export const PublisherAnswer = message({ sdp: [1, "string"] });

export const ConnectionQualityInfo = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  connectionQuality: [3, ConnectionQuality],
});
export const ConnectionQualityChanged = message({
  connectionQualityUpdates: [1, ConnectionQualityInfo, "repeated"],
});

export const AudioLevel = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  level: [3, "float"],
  isSpeaking: [4, "bool"],
});
export const AudioLevelChanged = message({ audioLevels: [1, AudioLevel, "repeated"] });

/** An event, and also a request over HTTP. The candidate is JSON. */
export const IceTrickle = message({
  peerType: [1, PeerType],
  iceCandidate: [2, "string"],
  sessionId: [3, "string"],
});

export const ParticipantJoined = message({
  callCid: [1, "string"],
  participant: [2, Participant],
  isPinned: [3, "bool"],
});
export const ParticipantLeft = message({ callCid: [1, "string"], participant: [2, Participant] });
export const ParticipantUpdated = message({ callCid: [1, "string"], participant: [2, Participant] });

export const DominantSpeakerChanged = message({ userId: [1, "string"], sessionId: [2, "string"] });

export const JoinResponse = message({
  callState: [1, CallState],
  reconnected: [2, "bool"],
  fastReconnectDeadlineSeconds: [3, "int32"],
  publishOptions: [4, PublishOption, "repeated"],
});

export const HealthCheckResponse = message({ participantCount: [1, ParticipantCount] });

export const TrackPublished = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  type: [3, TrackType],
  participant: [4, Participant],
});
export const TrackUnpublished = message({
  userId: [1, "string"],
  sessionId: [2, "string"],
  type: [3, TrackType],
  cause: [4, TrackUnpublishReason],
  participant: [5, Participant],
});

export const ErrorEvent = message({
  error: [4, SfuError],
  reconnectStrategy: [5, WebsocketReconnectStrategy],
});

export const CallGrants = message({
  canPublishAudio: [1, "bool"],
  canPublishVideo: [2, "bool"],
  canScreenshare: [3, "bool"],
});
export const CallGrantsUpdated = message({ currentGrants: [1, CallGrants], message: [2, "string"] });

export const GoAway = message({ reason: [1, GoAwayReason] });
export const IceRestart = message({ peerType: [1, PeerType] });
export const CallEnded = message({ reason: [1, CallEndedReason] });

export const ChangePublishOptions = message({
  publishOptions: [1, PublishOption, "repeated"],
  reason: [2, "string"],
});

export const SfuEvent = oneof({
  subscriberOffer: [1, SubscriberOffer],
  publisherAnswer: [2, PublisherAnswer],
  connectionQualityChanged: [3, ConnectionQualityChanged],
  audioLevelChanged: [4, AudioLevelChanged],
  iceTrickle: [5, IceTrickle],
  changePublishQuality: [6, Empty],
  participantJoined: [10, ParticipantJoined],
  participantLeft: [11, ParticipantLeft],
  dominantSpeakerChanged: [12, DominantSpeakerChanged],
  joinResponse: [13, JoinResponse],
  healthCheckResponse: [14, HealthCheckResponse],
  trackPublished: [16, TrackPublished],
  trackUnpublished: [17, TrackUnpublished],
  error: [18, ErrorEvent],
  callGrantsUpdated: [19, CallGrantsUpdated],
  goAway: [20, GoAway],
  iceRestart: [21, IceRestart],
  pinsUpdated: [22, Empty],
  callEnded: [23, CallEnded],
  participantUpdated: [24, ParticipantUpdated],
  participantMigrationComplete: [25, Empty],
  changePublishOptions: [27, ChangePublishOptions],
  inboundStateNotification: [28, Empty],
});

// Requests over HTTP, and their responses.

export const SetPublisherRequest = message({
  sdp: [1, "string"],
  sessionId: [2, "string"],
  tracks: [3, TrackInfo, "repeated"],
});
export const SetPublisherResponse = message({
  sdp: [1, "string"],
  sessionId: [2, "string"],
  iceRestart: [3, "bool"],
  error: [4, SfuError],
});

export const SendAnswerRequest = message({
  peerType: [1, PeerType],
  sdp: [2, "string"],
  sessionId: [3, "string"],
  negotiationId: [4, "uint32"],
});
export const SendAnswerResponse = message({ error: [4, SfuError] });

export const IceTrickleResponse = message({ error: [4, SfuError] });

export const UpdateSubscriptionsRequest = message({
  sessionId: [2, "string"],
  tracks: [3, TrackSubscriptionDetails, "repeated"],
});
export const UpdateSubscriptionsResponse = message({ error: [4, SfuError] });

export const TrackMuteState = message({ trackType: [1, TrackType], muted: [2, "bool"] });
export const UpdateMuteStatesRequest = message({
  sessionId: [1, "string"],
  muteStates: [3, TrackMuteState, "repeated"],
});
export const UpdateMuteStatesResponse = message({ error: [4, SfuError] });

export const IceRestartRequest = message({ sessionId: [1, "string"], peerType: [2, PeerType] });
export const IceRestartResponse = message({ error: [1, SfuError] });

/** The methods of the service that an agent calls, each with its request and its response. */
export const signalServer = {
  SetPublisher: [SetPublisherRequest, SetPublisherResponse],
  SendAnswer: [SendAnswerRequest, SendAnswerResponse],
  IceTrickle: [IceTrickle, IceTrickleResponse],
  UpdateSubscriptions: [UpdateSubscriptionsRequest, UpdateSubscriptionsResponse],
  UpdateMuteStates: [UpdateMuteStatesRequest, UpdateMuteStatesResponse],
  IceRestart: [IceRestartRequest, IceRestartResponse],
} as const;

/** The path of the service below the root address that a join returns. */
export const signalServerPath = "stream.video.sfu.signal.SignalServer";

export type ClientDetails = MessageInput<typeof ClientDetails>;
export type ReconnectDetails = MessageInput<typeof ReconnectDetails>;
export type SfuJoinRequest = MessageInput<typeof JoinRequest>;
export type JoinResponse = MessageValue<typeof JoinResponse>;
export type SfuEvent = Variant<typeof SfuEvent>;
