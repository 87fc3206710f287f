import { tokenCount } from "../../model/token-count.ts";
import type { ProviderMetadata } from "../models.ts";

interface Block {
  readonly id: string;
  readonly providerMetadata?: ProviderMetadata;
}

/** The part of a model's stream that is read, in any version. Sources, files, raw chunks and the like are left out. */
export type StreamPart =
  | { readonly type: "stream-start"; readonly warnings?: unknown }
  | ({ readonly type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end" } & Block)
  | ({ readonly type: "text-delta" | "reasoning-delta"; readonly delta: unknown } & Block)
  | {
      readonly type: "tool-call";
      readonly toolCallId: string;
      readonly toolName: string;
      /** The arguments as JSON text. */
      readonly input: unknown;
      readonly providerExecuted?: boolean;
      readonly providerMetadata?: ProviderMetadata;
    }
  /** The result of a tool that the vendor has run itself. */
  | {
      readonly type: "tool-result";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly result: unknown;
      readonly isError?: boolean;
      readonly preliminary?: boolean;
      readonly providerMetadata?: ProviderMetadata;
    }
  | { readonly type: "finish"; readonly finishReason: unknown; readonly usage: unknown }
  | { readonly type: "error"; readonly error: unknown };

/** The reason for which an answer ended. */
export interface Finish {
  /** The AI SDK's word, such as `stop` or `content-filter`. */
  readonly unified: string;
  /** The vendor's word. A model of v2 does not tell it. */
  readonly raw: string | undefined;
}

/** Reads a finish reason: a word in v2, an object of two in v3 and v4. */
export function finishOf(reason: unknown): Finish {
  if (typeof reason === "object" && reason !== null) {
    const { unified, raw } = reason as Readonly<Record<string, unknown>>;
    return { unified: String(unified), raw: typeof raw === "string" && raw !== "" ? raw : undefined };
  }
  return { unified: typeof reason === "string" ? reason : "unknown", raw: undefined };
}

/** Reads a count of tokens: a number in v2, an object with a total in v3 and v4; 0 where the model does not tell. */
export function tokensOf(usage: unknown): { readonly input: number; readonly output: number } {
  const { inputTokens, outputTokens } = (usage ?? {}) as Readonly<Record<string, unknown>>;
  return { input: countOf(inputTokens), output: countOf(outputTokens) };
}

function countOf(value: unknown): number {
  const count =
    typeof value === "object" && value !== null ? (value as { readonly total?: unknown }).total : value;
  return tokenCount(count) ?? 0;
}
