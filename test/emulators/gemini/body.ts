import { type ApiFault, badRequest } from "./error-answer.ts";
import { checkFields } from "./fields.ts";
import type { GeminiRequest } from "./script.ts";

/** The service quotes this much of a body on either side of what it cannot read, in characters. */
const quoted = 20;

/**
 * The body of a request for an answer. Throws the 400 with which Google's JSON parser answers one that is no JSON, or not
 * well-formed in any text, or that has a field which the API does not know.
 */
export function readBody(bytes: Buffer): GeminiRequest {
  const text = decoded(bytes);
  const body = parsed(text);
  checkEscapes(text);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw payloadFault("Root element must be a message.");
  }
  checkFields(body);
  return body as GeminiRequest;
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw payloadFault("Encountered non UTF-8 code points.");
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Of a short text the parser does not tell where.
    const at = /at position (\d+)/.exec(String(error))?.[1];
    throw String(error).includes("Unexpected end")
      ? payloadFault("Unexpected end of string. Expected a value.\n\n^")
      : payloadFault(`Unexpected token.${at === undefined ? "" : place(text, Number(at))}`);
  }
}

/** Halves of surrogate pairs, which UTF-8 cannot hold, arrive as escapes. */
function checkEscapes(text: string): void {
  for (const { 0: sequence, index } of text.matchAll(/(?:\\u[dD][89a-fA-F][\da-fA-F]{2})+|\\[\s\S]/g)) {
    const codes = [...sequence.matchAll(/\\u([\da-fA-F]{4})/g)].map(([, hex = ""]) =>
      Number.parseInt(hex, 16),
    );
    if (String.fromCharCode(...codes).isWellFormed()) continue;
    const what = codes[0]! < 0xdc00 ? "Missing low surrogate." : "Invalid unicode code point.";
    throw payloadFault(`${what}${place(text, index)}`);
  }
}

function place(text: string, at: number): string {
  const from = Math.max(0, at - quoted);
  return `\n${text.slice(from, at + quoted)}\n${" ".repeat(at - from)}^`.toWellFormed();
}

function payloadFault(what: string): ApiFault {
  return badRequest([{ description: `Invalid JSON payload received. ${what}` }]);
}
