/**
 * The kinds of events that a webhook may ask for while a call runs. They are the types of a session's events, without its end, which has
 * a message of its own; `transcript` stands for whole words, and `partial_transcript` for words that are not whole yet.
 */
export const webhookEvents = [
  "state",
  "transcript",
  "partial_transcript",
  "turn",
  "tool",
  "user_silent",
  "participant_heard",
  "participant_unheard",
  "blocked",
  "role",
  "interrupted",
  "resumed",
  "metrics",
] as const;

/** A kind of event that a webhook is sent while a call runs. `partial_transcript`: words that are not whole yet. */
export type WebhookEvent = (typeof webhookEvents)[number];
