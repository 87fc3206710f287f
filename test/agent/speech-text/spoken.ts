import {
  type SpeechPiece,
  SpeechText,
  type SpeechTextOptions,
} from "../../../src/agent/speech-text/speech-text.ts";

/** The pieces of a text that comes in these parts. */
export function piecesOf(parts: readonly string[], options?: SpeechTextOptions): SpeechPiece[] {
  const text = new SpeechText(options);
  return [...parts.flatMap((part) => text.push(part)), ...text.flush()];
}

/** Returns all that is spoken of a text. */
export const spoken = (source: string, options?: SpeechTextOptions): string =>
  piecesOf([source], options)
    .map(({ text }) => text)
    .filter((text) => text !== "")
    .join(" ");

/** Returns how much of the source is heard once this much is of all pieces joined with spaces. */
export function heardOf(pieces: readonly SpeechPiece[], said: number): string {
  let heard = "";
  let left = said;
  for (const piece of pieces) {
    if (left <= 0 && piece.text !== "") return heard;
    heard += piece.source.slice(0, piece.toSource(left));
    if (left < piece.text.length) return heard;
    left -= piece.text.length + (piece.text === "" ? 0 : 1);
  }
  return heard;
}
