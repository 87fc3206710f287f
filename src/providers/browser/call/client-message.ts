import { isObject } from "../../../agent/options/option-checks.ts";

/** A message of a client, besides its sound. */
export type ClientMessage =
  /** The first message over a WebSocket. `resume` is the secret of an earlier connection of the same participant. */
  | { readonly type: "hello"; readonly resume: string | null; readonly codec: "pcm16" | "opus" }
  /** A text that the participant typed. */
  | { readonly type: "text"; readonly text: string }
  /** A ping. `playoutMs` is the time that sound waits in the client until it is played, where that is known. */
  | { readonly type: "ping"; readonly id: number; readonly playoutMs: number | null }
  /** The number of frames that the client has received over the WebSocket. */
  | { readonly type: "received"; readonly frames: number }
  /** The client is connected to the agent that takes up the call, as `moving` told it to. */
  | { readonly type: "ready" }
  /** The participant leaves the call. */
  | { readonly type: "leave" };

/** The longest message, in characters. */
export const longestMessage = 40_000;
/** The longest text that a participant may type, in characters: that of `POST /sessions/{id}/messages`. */
const longestText = 8_192;
/** The longest `playoutMs` that is accepted, in milliseconds. */
const longestPlayoutMs = 1_000;

/** Returns a message of a client; null where it is invalid. */
export function readMessage(text: string): ClientMessage | null {
  if (text.length > longestMessage) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isObject(value) ? checked(value as Readonly<Record<string, unknown>>) : null;
}

function checked(value: Readonly<Record<string, unknown>>): ClientMessage | null {
  switch (value.type) {
    case "hello": {
      const { resume = null, codec = "pcm16" } = value;
      if (resume !== null && typeof resume !== "string") return null;
      return codec === "pcm16" || codec === "opus" ? { type: "hello", resume, codec } : null;
    }
    case "text": {
      const { text } = value;
      if (typeof text !== "string" || text.length > longestText || text.trim() === "") return null;
      return text.isWellFormed() ? { type: "text", text } : null;
    }
    case "ping": {
      const { id, playout_ms: ms = null } = value;
      if (!isCount(id)) return null;
      const fits = typeof ms === "number" && ms >= 0 && ms <= longestPlayoutMs;
      return { type: "ping", id, playoutMs: fits ? ms : null };
    }
    case "received":
      return isCount(value.frames) ? { type: "received", frames: value.frames } : null;
    case "ready":
      return { type: "ready" };
    case "leave":
      return { type: "leave" };
    default:
      return null;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
