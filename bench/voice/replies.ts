/** The answers of the model. The first sentence has the mark of the call in it. */
export const replies = {
  short: { sentence: "For you, %s is sunny and warm.", rest: "Take a hat." },
  long: {
    sentence: "For you, %s is sunny and warm.",
    rest: "It stays like that for the whole week, with some clouds in the evening and a light wind. ".repeat(
      8,
    ),
  },
} as const;

/**
 * The word that a caller who interrupts says before any words that count: at this alone the agent is quieter and goes on.
 */
export const backchannel = "Mhm";

/** Returns whether what the recogniser understood so far has words that cut the agent. */
export function cuts(transcript: string): boolean {
  return transcript.replace(backchannel, "").replace(",", "").trim() !== "";
}
