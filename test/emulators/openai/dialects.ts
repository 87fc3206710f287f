/** How a service differs from others that speak the same protocol, as its public documentation and its users tell. */
export interface Dialect {
  /** The path before `/chat/completions`. */
  readonly path: string;
  /** The header of the key, and what stands before it. */
  readonly keyHeader: string;
  readonly keyPrefix: string;
  /** The query that each request must have. */
  readonly query: Readonly<Record<string, string>>;
  /** Fields that are refused, beside those that nobody knows. */
  readonly refuses: readonly string[];
  /** Where the tokens are told: in a chunk of their own where asked for, with the last choice, or in a field of Groq's. */
  readonly usage: "asked" | "last_choice" | "x_groq" | "within_choice";
  /** The form of errors. */
  readonly errors: "openai" | "mistral" | "vllm" | "azure" | "ollama";
  /** Ids of calls must match this. */
  readonly ids: RegExp;
  /** Words of the user may not follow the result of a tool. */
  readonly answersAfterTools: boolean;
}

const openai: Dialect = {
  path: "/v1",
  keyHeader: "authorization",
  keyPrefix: "Bearer ",
  query: {},
  refuses: [],
  usage: "asked",
  errors: "openai",
  ids: /^.{1,40}$/,
  answersAfterTools: false,
};

export const dialects = {
  openai,
  azure: {
    ...openai,
    path: "/openai/deployments/emulated",
    keyHeader: "api-key",
    keyPrefix: "",
    query: { "api-version": "2024-10-21" },
    errors: "azure",
  },
  groq: { ...openai, path: "/openai/v1", usage: "x_groq", refuses: ["logprobs", "logit_bias"] },
  mistral: {
    ...openai,
    usage: "last_choice",
    errors: "mistral",
    refuses: ["stream_options", "max_completion_tokens"],
    ids: /^[a-zA-Z0-9]{9}$/,
    answersAfterTools: true,
  },
  /** A server that refuses to be asked for tokens, and nobody knows that of it. */
  old: { ...openai, refuses: ["stream_options"], errors: "vllm", usage: "within_choice" },
  ollama: { ...openai, errors: "ollama" },
} as const satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;
