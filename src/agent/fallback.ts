import { FallbackLlm } from "./fallback/llm.ts";
import type { FallbackOptions } from "./fallback/rotation.ts";
import { FallbackStt } from "./fallback/stt.ts";
import { FallbackTts } from "./fallback/tts.ts";
import type { LLM } from "./llm.ts";
import type { STT } from "./stt.ts";
import type { TTS } from "./tts.ts";

export { AllFailedError } from "./fallback/all-failed-error.ts";
export type { FallbackOptions } from "./fallback/rotation.ts";

/**
 * Makes one of several of a kind, in order: where one fails before its first piece, or takes too long for it, the next
 * one is asked at once, and the first are tried again after a pause that grows. A failure after the first piece fails
 * the turn, since another service cannot repeat what was heard. Transcription changes in the middle of a call too. Only
 * where all fail is the request itself an `AllFailedError`. Its name and functions are those of the first; its members
 * are closed with it.
 */
export function fallback(llms: readonly LLM[], options?: FallbackOptions): LLM;
export function fallback(stts: readonly STT[], options?: FallbackOptions): STT;
export function fallback(ttss: readonly TTS[], options?: FallbackOptions): TTS;
export function fallback(
  members: readonly LLM[] | readonly STT[] | readonly TTS[],
  options?: FallbackOptions,
): LLM | STT | TTS {
  // Known by what they do, not by `instanceof`: it holds across copies of the package.
  if (every<LLM>(members, "generate")) return new FallbackLlm(members, options);
  if (every<STT>(members, "listen")) return new FallbackStt(members, options);
  if (every<TTS>(members, "speak")) return new FallbackTts(members, options);
  throw new TypeError("fallback: give models, recognisers or voices, and only of one kind");
}

function every<Member>(members: readonly unknown[], method: keyof Member): members is readonly Member[] {
  return members.every((member) => typeof (member as Member | null)?.[method] === "function");
}
