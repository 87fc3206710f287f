import type { ToolCall } from "../../../agent/model/message.ts";
import type { JsonValue } from "../../../shared/protocol.ts";
import type { ProviderMetadata } from "../models.ts";

/**
 * A part of an answer with tool calls, as the vendor wants it back with the results: reasoning with its signature, the ids of
 * what the vendor stored, and what tools of the vendor itself did.
 */
export type KeptPart = { readonly metadata?: ProviderMetadata } & (
  | { readonly type: "reasoning"; readonly text: string }
  /** Text of this length, in characters. The message has the text itself. */
  | { readonly type: "text"; readonly length: number }
  /** A call of one of the agent's functions, which the message has. */
  | { readonly type: "call"; readonly id: string }
  | { readonly type: "vendor_call"; readonly id: string; readonly name: string; readonly input: JsonValue }
  | {
      readonly type: "vendor_result";
      readonly id: string;
      readonly name: string;
      readonly ok: boolean;
      readonly value: JsonValue;
    }
);

/** The model that gave an answer. The parts that are kept of the answer are of no use to another model. */
export interface AnswerOwner {
  readonly provider: string;
  readonly modelId: string;
}

/** The data of an answer in `ToolCall.providerData` of its first call. */
interface KeptAnswer extends AnswerOwner {
  readonly parts: readonly KeptPart[];
}

/** Returns the calls of an answer, of which the first has the parts of the answer. */
export function withKept(
  calls: readonly ToolCall[],
  owner: AnswerOwner,
  parts: readonly KeptPart[],
): ToolCall[] {
  const { provider, modelId } = owner;
  const kept = asJson({ aiSdk: { provider, modelId, parts } satisfies KeptAnswer });
  if (kept === null) return [...calls];
  return calls.map((call, index) => (index === 0 ? { ...call, providerData: kept } : call));
}

/** Returns a copy of what a provider gave; null where it is no JSON, so that it could not be kept with the call. */
function asJson(value: object): JsonValue {
  try {
    return JSON.parse(JSON.stringify(value)) as JsonValue;
  } catch {
    return null;
  }
}

/** Returns the parts of the answer that these calls are of; null where another model or another provider gave it. */
export function keptOf(
  calls: readonly ToolCall[],
  { provider, modelId }: AnswerOwner,
): readonly KeptPart[] | null {
  for (const { providerData } of calls) {
    if (typeof providerData !== "object" || providerData === null || !("aiSdk" in providerData)) continue;
    const kept = providerData.aiSdk as unknown as KeptAnswer;
    if (kept.provider === provider && kept.modelId === modelId) return kept.parts;
  }
  return null;
}

/**
 * Returns metadata without the ids of what the vendor has stored. OpenAI takes such an id for all that was written, and so would
 * remember words that the caller never heard.
 */
export function withoutStored(metadata: ProviderMetadata | undefined): ProviderMetadata | undefined {
  if (metadata === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(metadata).map(([vendor, { itemId: _, ...rest }]) => [vendor, rest] as const),
  );
}

/** Returns whether the vendor has stored what the metadata are of. */
export const isStored = (metadata: ProviderMetadata | undefined): boolean =>
  Object.values(metadata ?? {}).some(({ itemId }) => itemId !== undefined);
