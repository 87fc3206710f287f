/** The closed sets of values that labels of metrics have. */

/** The reasons for which the load guard is active. */
export const loadCauses = ["memory", "cpu_throttled", "event_loop", "audio_pacing"] as const;
export type LoadCause = (typeof loadCauses)[number];

/** The stages of a start, each of which is measured from the request to start. */
export const startStages = ["assigned", "created", "joined"] as const;
export type StartStage = (typeof startStages)[number];

export const webhookOutcomes = ["delivered", "failed", "dropped", "gone"] as const;
export type WebhookOutcome = (typeof webhookOutcomes)[number];

/** The outcomes of leaving a call for a dead thread. */
export const leaveOutcomes = ["done", "failed"] as const;
export type LeaveOutcome = (typeof leaveOutcomes)[number];

/**
 * The purposes for which another replica is asked. `proxied`: a request about its session; `forwarded`: a start that
 * found no room; `listed`: its part of a list; `closed`: to close its sessions of a call; `located`: whether it has a
 * session that the registry does not know; `asked`: whether it lives; `fenced`: whether it knows that the asking
 * process was declared dead; `entrusted`: to keep a session that the registry cannot be told of; `surveyed`: its
 * part of the fleet's figures; `handed_over`: to go on with a session of a replica that drains.
 */
export const peerRequestKinds = [
  "proxied",
  "forwarded",
  "listed",
  "closed",
  "located",
  "asked",
  "fenced",
  "entrusted",
  "surveyed",
  "handed_over",
] as const;
export type PeerRequestKind = (typeof peerRequestKinds)[number];

/**
 * The places where a session goes on: in another thread of its replica; in another replica, since its own is dead; or in one to
 * which its own has handed it over.
 */
export const resumePlaces = ["in_place", "adopted", "handed_over"] as const;
export type ResumePlace = (typeof resumePlaces)[number];

/** The ways of a client's WebSocket: to a session of this replica, or relayed to the replica that has it. */
export const socketLegs = ["session", "relay"] as const;
export type SocketLeg = (typeof socketLegs)[number];

/** The reasons for the end of a client's WebSocket: the side that ended it first, an idle client, or a cut. */
export const socketEnds = ["client", "session", "idle", "cut"] as const;
export type SocketEnd = (typeof socketEnds)[number];

/** The sources of API keys: the options or a variable, which stay as they are, or a file. */
export const keySources = ["fixed", "file"] as const;
export type KeySource = (typeof keySources)[number];

export const slotStates = ["starting", "warm", "running", "draining"] as const;
