import type { Turn } from "../data/session.ts";

/** A part of a turn. */
export interface Stage {
  readonly name: StageName;
  readonly ms: number;
}

export const stageTexts = {
  end_of_turn_ms: "end of their turn",
  first_token_ms: "first word of the model",
  first_sentence_ms: "first sentence",
  first_byte_ms: "first sound of the voice",
  output_ms: "on its way",
  rest: "rest of the answer",
} as const;
export type StageName = keyof typeof stageTexts;

const spoken = [
  "end_of_turn_ms",
  "first_token_ms",
  "first_sentence_ms",
  "first_byte_ms",
  "output_ms",
] as const;

/**
 * Returns the stages of a turn, which follow one another: of one that was spoken, until the answer sounded; of one that was
 * typed, until the answer was over.
 */
export function stagesOf({ latency, first_token_ms: firstToken, duration_ms: duration }: Turn): Stage[] {
  if (latency) return spoken.flatMap((name) => stage(name, latency[name]));
  if (firstToken === null) return stage("rest", duration);
  return [...stage("first_token_ms", firstToken), ...stage("rest", duration - firstToken)];
}

const stage = (name: StageName, ms: number | undefined): Stage[] =>
  ms !== undefined && ms > 0 ? [{ name, ms }] : [];

export const totalMs = (stages: readonly Stage[]): number => stages.reduce((sum, { ms }) => sum + ms, 0);
