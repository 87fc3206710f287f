import type { ServerResponse } from "node:http";
import { setTimeout as delay, setImmediate as nextRound } from "node:timers/promises";
import { WireAnswer, type WireEvent } from "./answer.ts";
import { checkChat } from "./chat-check.ts";
import type { Dialect } from "./dialects.ts";
import type { OpenaiFault } from "./faults.ts";
import { Refusal, usualRefusal } from "./refusal.ts";
import type { ChatRequest, ChatScript, StreamStyle } from "./script.ts";

export interface ChatSetting {
  readonly dialect: Dialect;
  readonly script: ChatScript;
  readonly style: StreamStyle;
  readonly delays: { readonly firstTokenMs: number; readonly tokenMs: number };
  readonly models: readonly string[];
  readonly contextTokens: number;
  readonly fault: OpenaiFault | undefined;
  readonly log: (kind: string, details?: Readonly<Record<string, unknown>>) => void;
  /** Fires when the connection is gone. */
  readonly gone: AbortSignal;
}

/** An error by which the emulator closes the connection. */
export class Cut extends Error {}

/** Answers one request for an answer. It throws a {@link Refusal} or a {@link Cut}. */
export async function answerChat(
  body: unknown,
  response: ServerResponse,
  setting: ChatSetting,
): Promise<void> {
  const { fault, dialect, script, style, models, contextTokens, delays, gone } = setting;
  if (fault?.kind === "status") throw failing(fault);
  if (fault?.kind === "reset") throw new Cut();
  if (fault?.kind === "hang") await never(gone);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal(400, "We could not parse the JSON body of your request.");
  }
  const request = body as ChatRequest;
  checkChat(request, dialect, models, contextTokens);
  await wait(delays.firstTokenMs, gone);
  const steps = await script(request);
  const answer = new WireAnswer(request, dialect);
  if (style.whole || request.stream !== true) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.whole(steps)));
    return;
  }
  await stream(answer.events(steps), response, setting);
}

function failing({
  status,
  message,
  code,
  headers = {},
  body,
}: Extract<OpenaiFault, { kind: "status" }>): Refusal {
  const refusal = usualRefusal(status, message, code);
  return Object.assign(refusal, { headers, own: body });
}

async function stream(
  events: Iterable<WireEvent>,
  response: ServerResponse,
  setting: ChatSetting,
): Promise<void> {
  const { fault, style, delays, gone, log } = setting;
  const { lineEnd, blankLines, comments } = style;
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  const end = lineEnd + (blankLines ? lineEnd : "");
  let written = 0;
  for (const event of events) {
    const text = "line" in event ? event.line : `data: ${JSON.stringify(event.chunk)}${end}`;
    if (fault !== undefined && "afterEvents" in fault && fault.afterEvents === written) {
      if (await failWithin(fault, text, response, gone)) return;
    }
    const said = "text" in event ? event.text : "";
    if (said !== "") await wait(delays.tokenMs * said.split(/\s+/).filter(Boolean).length, gone);
    if (comments) await write(response, `: keep-alive${end}`);
    if (fault?.kind === "odd_chunks") await writePieces(response, Buffer.from(text), fault.bytes);
    else response.write(text);
    if (written++ === 0) log("first_byte");
    if (said !== "") log("token", { text: said });
    gone.throwIfAborted();
  }
  if (style.done) response.write(`data: [DONE]${end}`);
  if (style.staysOpen) await never(gone);
  response.end();
}

/** Returns whether the answer has ended by it. */
async function failWithin(
  fault: Extract<OpenaiFault, { readonly afterEvents: number }>,
  event: string,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<boolean> {
  switch (fault.kind) {
    case "stall":
      response.flushHeaders();
      return never(gone);
    case "cut":
      await write(response, event.slice(0, event.length / 2));
      throw new Cut();
    case "garbage":
      await write(response, 'data: {"choices":[{"delta":\n\ndata: {"private\n\n');
      return false;
    case "error_event": {
      const error = fault.error ?? usualRefusal(503).body("openai");
      await writePieces(response, Buffer.from(errorText(fault.form, error)), fault.bytes ?? 100_000);
      response.end();
      return true;
    }
    default:
      return fault satisfies never;
  }
}

/** An error as services write it into a stream that has begun. */
function errorText(form: Extract<OpenaiFault, { kind: "error_event" }>["form"], error: object): string {
  switch (form) {
    case "event":
      return `data: ${JSON.stringify(error)}\n\ndata: [DONE]\n\n`;
    case "named_event":
      return `event: error\ndata: ${JSON.stringify(error)}\n\n`;
    case "printed":
      return `data: ${JSON.stringify(error, null, 2)}\n\n`;
    case "error_field":
      return `error: ${JSON.stringify(error)}\n\n`;
    case "bare":
      return `${JSON.stringify(error)}\n`;
    case "text":
      return `data: ${JSON.stringify({ error: "The engine is currently overloaded" })}\n\n`;
    default:
      return form satisfies never;
  }
}

async function writePieces(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    await write(response, bytes.subarray(at, at + size));
    if (size < 100) await nextRound();
  }
}

/** Resolves when it is on its way. */
function write(response: ServerResponse, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => response.write(bytes, () => resolve()));
}

export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal });
}

export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
