import type { SpeechMarkup } from "../../agent/speech-text/voice-markup.ts";

/** The models that accept IPA, as `<phoneme alphabet="ipa" ph="…">word</phoneme>`. */
const phonemes = /^eleven_(?:flash_v2|turbo_v2|monolingual_v1)$/;

/**
 * Returns the markup that a model performs (elevenlabs.io/docs, best practices of prompting). The third
 * generation accepts directions such as `[laughs]` and `[short pause]`, and no tags; earlier ones accept
 * pauses of up to 3 s, such as `<break time="0.4s"/>`.
 */
export function markupOf(model: string): SpeechMarkup {
  if (model.startsWith("eleven_v3")) return { directions: true };
  return { tags: phonemes.test(model) ? ["break", "phoneme"] : ["break"] };
}
