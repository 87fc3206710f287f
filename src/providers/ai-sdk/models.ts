/*
 * The part of the models of the AI SDK's providers that is used. The shapes are described here, so that neither a type nor a line of the
 * AI SDK is needed: whoever has a model has its package.
 */

/** The versions of the AI SDK's provider interface that are understood. */
const versions = ["v2", "v3", "v4"] as const;
export type SpecificationVersion = (typeof versions)[number];

/** The part that all models of the AI SDK have in common. */
export interface AiSdkModel {
  /** The version of the AI SDK's provider interface: `v2`, `v3` or `v4`. */
  readonly specificationVersion: string;
  /** The vendor and the kind of its service, such as `openai.responses`. */
  readonly provider: string;
  readonly modelId: string;
}

/** A language model of a provider of the AI SDK, such as `openai("gpt-5-mini")`. */
export interface LanguageModel extends AiSdkModel {
  doStream(options: never): PromiseLike<{ readonly stream: ReadableStream<unknown> }>;
}

/** A transcription model of a provider of the AI SDK, such as `openai.transcription("whisper-1")`. */
export interface TranscriptionModel extends AiSdkModel {
  doGenerate(options: never): PromiseLike<{ readonly text: string }>;
}

/** A speech model of a provider of the AI SDK, such as `openai.speech("gpt-4o-mini-tts")`. */
export interface SpeechModel extends AiSdkModel {
  doGenerate(options: never): PromiseLike<{ readonly audio: string | Uint8Array }>;
}

/** Data of a vendor, by the vendor's name. */
export type ProviderMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A warning of a model, in any of the versions. */
export interface ModelWarning {
  readonly type?: string;
  readonly setting?: string;
  readonly feature?: string;
  readonly details?: string;
  readonly message?: string;
}

/** Returns the version of a model's interface. Throws a `TypeError` for what is no model with this method. */
export function versionOf(
  owner: string,
  model: unknown,
  method: string,
  example: string,
): SpecificationVersion {
  const isObject = (typeof model === "object" || typeof model === "function") && model !== null;
  if (!isObject || typeof (model as Record<string, unknown>)[method] !== "function") {
    const given = typeof model === "string" ? `, not the name "${model}"` : "";
    throw new TypeError(
      `${owner}: the first argument must be a model of the AI SDK, such as ${example}${given}`,
    );
  }
  const { specificationVersion } = model as AiSdkModel;
  const known = versions.find((version) => version === specificationVersion);
  if (known !== undefined) return known;
  throw new TypeError(
    `${owner}: the model has version ${String(specificationVersion)} of the AI SDK's interface: ${versions.join(", ")} are understood`,
  );
}

/** Returns the vendor of a model, which is its label in metrics: `openai` of `openai.responses`. */
export function vendorOf({ provider }: AiSdkModel): string {
  return provider.split(".")[0] || "ai-sdk";
}
