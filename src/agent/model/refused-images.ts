import type { LLM, LlmEvent, LlmRequest } from "../llm.ts";
import type { Log } from "../log.ts";
import type { AgentLimits } from "../options/limits.ts";
import { generate } from "./generation.ts";
import type { Message, MessagePart } from "./message.ts";

/** The statuses with which services refuse a request for what is in it. */
const refusals = new Set([400, 413, 415, 422]);
/** Images that a service has refused: as long as one of them is in the conversation each further request would be refused too. */
const refused = new WeakSet<Uint8Array>();

/**
 * Makes one request to the model as `generate` does, without images that were refused before. Where a service refuses a request with
 * images it is asked once more without them, and they are not shown again.
 */
export async function* generateShown(
  llm: LLM,
  request: Omit<LlmRequest, "signal">,
  { limits, log }: { readonly limits: AgentLimits; readonly log: Log },
  signal: AbortSignal,
): AsyncGenerator<LlmEvent, void, void> {
  const shown = request.messages.map(withoutRefused);
  let begun = false;
  try {
    for await (const event of generate(llm, { ...request, messages: shown }, limits, signal)) {
      begun = true;
      yield event;
    }
    return;
  } catch (error) {
    const images = imagesIn(shown);
    if (begun || signal.aborted || images.length === 0 || !isRefusal(error)) throw error;
    for (const data of images) refused.add(data);
    const { provider, model } = llm;
    log.warn(
      { event: "images_refused", provider, model, images: images.length },
      "A request with images was refused: it is made again without them",
    );
  }
  yield* generate(llm, { ...request, messages: shown.map(withoutRefused) }, limits, signal);
}

const isRefusal = (error: unknown): boolean =>
  refusals.has((error as { readonly status?: unknown } | null)?.status as number);

const imagesIn = (messages: readonly Message[]): readonly Uint8Array[] =>
  messages.flatMap((message) =>
    "parts" in message
      ? (message.parts ?? []).flatMap((part) => (part.type === "image" ? [part.data] : []))
      : [],
  );

function withoutRefused(message: Message): Message {
  if (!("parts" in message) || message.parts === undefined) return message;
  if (!message.parts.some(isRefused)) return message;
  const note: MessagePart = { type: "text", text: "(an image that cannot be shown)" };
  return { ...message, parts: message.parts.map((part) => (isRefused(part) ? note : part)) };
}

const isRefused = (part: MessagePart): boolean => part.type === "image" && refused.has(part.data);
