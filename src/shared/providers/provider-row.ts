/** A variable of the environment that a provider reads where its options do not say it. */
export interface ProviderVariable {
  readonly name: string;
  readonly help: string;
  /** A value for `.env.example`. */
  readonly example: string;
  /** True for keys, without which the provider works only where the agent's code gives them. */
  readonly isKey?: true;
}

/** A part of an agent that a provider may offer. */
export type ProviderPart = "llm" | "stt" | "tts" | "tools" | "edge";

export interface ProviderRow {
  /** The parts of an agent that it offers. */
  readonly parts: readonly ProviderPart[];
  /** The variables by their purpose. */
  readonly variables: Readonly<Record<string, ProviderVariable>>;
  /**
   * The thing that it needs, where that is not its keys.
   * @default its keys
   */
  readonly needs?: string;
  /** True where the server can leave a call on behalf of a dead agent by the provider's `leave-module.ts`. */
  readonly leavesCalls: boolean;
}
