/**
 * What stands in the conversation for speech of which only the length is known, since there is no recogniser for its words:
 * the model answers it like any other words, and a participant who reads along sees what was heard.
 */
export function wordlessSpeech(speechMs: number): string {
  const seconds = Math.max(0.1, Math.round(speechMs / 100) / 10);
  return `[I spoke for ${seconds} s. My words are unknown: no speech to text is set up.]`;
}

/** How long the speech was that this text stands for, in seconds; null where it is another text. */
export function wordlessSeconds(text: string): string | null {
  return /^\[I spoke for ([\d.]+) s\. My words are unknown/.exec(text)?.[1] ?? null;
}
