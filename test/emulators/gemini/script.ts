/** A piece of a turn, as it goes over the wire. */
export interface WirePart {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly functionCall?: {
    readonly id?: string;
    readonly name: string;
    readonly args?: Readonly<Record<string, unknown>>;
  };
  readonly functionResponse?: {
    readonly id?: string;
    readonly name: string;
    readonly response: Readonly<Record<string, unknown>>;
  };
}

export interface WireContent {
  readonly role?: string;
  readonly parts?: readonly WirePart[];
}

/** The body of a request for an answer, as far as scripts look at it. */
export interface GeminiRequest {
  readonly contents?: readonly WireContent[];
  readonly systemInstruction?: WireContent;
  readonly tools?: readonly {
    readonly functionDeclarations?: readonly {
      readonly name: string;
      readonly parametersJsonSchema?: { readonly properties?: Readonly<Record<string, unknown>> };
    }[];
  }[];
  readonly toolConfig?: { readonly functionCallingConfig?: { readonly mode?: string } };
  readonly generationConfig?: {
    readonly thinkingConfig?: { readonly thinkingBudget?: number; readonly thinkingLevel?: string };
    readonly [setting: string]: unknown;
  };
  readonly safetySettings?: readonly { readonly category: string; readonly threshold: string }[];
}

export interface GeminiCall {
  readonly call: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** The id of the call; null: none. Default: one of the emulator's, for models of which calls have ids. */
  readonly id?: string | null;
  /** The thought signature; null: none. Default: models that think sign the first call of an answer. */
  readonly signature?: string | null;
}

/** The steps of the model, one after the other. */
export type GeminiStep =
  /** Words in chunks of a few words, then of about 96 characters, wherever these end in a word. */
  | { readonly text: string }
  /** A tool call in a chunk of its own, which tells the end of the answer too where a model before Gemini 3 ends with it. */
  | GeminiCall
  /** Several tool calls in one chunk. */
  | { readonly calls: readonly GeminiCall[] }
  /** A part of its reasoning, as a model shows it that was asked to. */
  | { readonly thought: string }
  /** One chunk with just these parts. */
  | { readonly parts: readonly unknown[] }
  /** The token counts from here on, in place of the emulator's own. */
  | { readonly usage: Readonly<Record<string, number>> }
  /** The prompt is blocked for this reason, such as `PROHIBITED_CONTENT`: there is no answer. */
  | { readonly block: string }
  /** The reason for which the answer ends. Default `STOP`; null: it is not told. */
  | { readonly finish: string | null };

/** Makes the answer to a request. */
export type GeminiScript = (
  request: GeminiRequest,
  model: string,
) => readonly GeminiStep[] | Promise<readonly GeminiStep[]>;
