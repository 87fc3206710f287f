/**
 * The delays of messages, in milliseconds of sound unless said otherwise. The recogniser counts time by sound: without
 * silence after the speech nothing ends.
 */
export interface DeepgramDelays {
  /** Speech before Flux says StartOfTurn, or Nova SpeechStarted. */
  startOfTurnMs: number;
  /**
   * The time from the arrival of the last speech to Flux's EndOfTurn. 0: with the first silence, which suits tones;
   * natural speech has pauses of its own, of 100 ms and more.
   */
  endOfTurnMs: number;
  /** The time from the arrival of the last speech to Flux's EagerEndOfTurn. */
  eagerEndOfTurnMs: number;
  /** The time between Flux's Updates; near the end of a turn they come every 80 ms, where this is not less. */
  updateMs: number;
  /** The time from the end of Nova's endpointing to its final result. */
  finalMs: number;
  /** The time between Nova's interim results. */
  interimMs: number;
}

/**
 * The delays that Deepgram and others published: Flux ends a turn about 260 ms after the last speech (p50, at the default
 * thresholds), eager events come some 150 ms before that, Nova's finals 50–150 ms after the endpointing. The start of a
 * turn is not published; it needs a word.
 */
export const published: DeepgramDelays = {
  startOfTurnMs: 200,
  endOfTurnMs: 260,
  eagerEndOfTurnMs: 110,
  updateMs: 240,
  finalMs: 100,
  interimMs: 1_040,
};

/** No delays: messages go out as soon as the sound allows. */
export const none: DeepgramDelays = {
  startOfTurnMs: 0,
  endOfTurnMs: 0,
  eagerEndOfTurnMs: 0,
  updateMs: 240,
  finalMs: 0,
  interimMs: 1_040,
};

/** The times that a connection may be idle, in wall-clock milliseconds. Tests scale them down. */
export interface DeepgramTimeouts {
  /** `/v1/listen` without sound, KeepAlive or another message → close 1011 (NET-0001). */
  novaIdleMs: number;
  /** `/v2/listen` without sound or a WebSocket ping → close 1011. */
  fluxIdleMs: number;
}

export const defaultTimeouts: DeepgramTimeouts = { novaIdleMs: 10_000, fluxIdleMs: 60_000 };
