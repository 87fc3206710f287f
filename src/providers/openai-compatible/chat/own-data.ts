import type { ToolCall } from "../../../agent/model/message.ts";
import type { JsonValue } from "../../../shared/protocol.ts";

/** The reasoning that came before calls, and the field that it came in. */
export interface Reasoning {
  readonly field: string;
  readonly text: string;
}

/** Data that a service gets back with a call: models that reason refuse calls without the reasoning that led to them. */
interface OwnData {
  readonly model: string;
  readonly reasoning?: Reasoning;
  readonly extra?: JsonValue;
}

/** Returns the data of a call for `ToolCall.providerData`; undefined where there are none. */
export function ownData({
  model,
  reasoning,
  extra,
}: {
  readonly model: string;
  readonly reasoning: Reasoning | null;
  readonly extra: JsonValue | undefined;
}): JsonValue | undefined {
  if (reasoning === null && extra === undefined) return undefined;
  const data: OwnData = {
    model,
    ...(reasoning === null ? {} : { reasoning }),
    ...(extra === undefined ? {} : { extra }),
  };
  return { openaiCompatible: data } as unknown as JsonValue;
}

/** Returns the data of a call of the same model; undefined where another one made it. */
export function ownDataOf({ providerData }: ToolCall, model: string): OwnData | undefined {
  if (typeof providerData !== "object" || providerData === null || !("openaiCompatible" in providerData))
    return undefined;
  const data = (providerData as unknown as { readonly openaiCompatible: OwnData }).openaiCompatible;
  return data.model === model ? data : undefined;
}
