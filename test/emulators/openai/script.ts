/** The parts of a request that scripts and tests look at. */
export interface ChatRequest {
  readonly model?: string;
  readonly messages?: readonly ChatMessage[];
  readonly tools?: readonly {
    readonly type?: string;
    readonly function?: {
      readonly name?: string;
      readonly description?: string;
      readonly parameters?: unknown;
    };
  }[];
  readonly tool_choice?: unknown;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly [field: string]: unknown;
}

export interface ChatMessage {
  readonly role?: string;
  readonly content?: string | null | readonly Readonly<Record<string, unknown>>[];
  readonly tool_calls?: readonly {
    readonly id?: string;
    readonly type?: string;
    readonly function?: { readonly name?: string; readonly arguments?: unknown };
    readonly [field: string]: unknown;
  }[];
  readonly tool_call_id?: string;
  readonly [field: string]: unknown;
}

/** One step of an answer. */
export type ChatStep =
  /** Text, which is streamed in pieces. */
  | { readonly text: string }
  /** Reasoning, in the field that a service has for it. */
  | { readonly reasoning: string; readonly field?: "reasoning_content" | "reasoning" }
  /** A call as OpenAI streams it: its id and name first, then its arguments in pieces. */
  | { readonly call: string; readonly args?: unknown; readonly id?: string }
  /** A delta as it is. */
  | { readonly delta: object }
  /** A line of a stream as it is. */
  | { readonly line: string }
  /** The reason of the end. Default `tool_calls` behind a call, else `stop`; null: none. */
  | { readonly finish: string | null }
  /** The tokens, in place of those that are counted. */
  | { readonly usage: Readonly<Record<string, unknown>> | null };

export type ChatScript = (request: ChatRequest) => readonly ChatStep[] | Promise<readonly ChatStep[]>;

/** How the events of a stream are written. */
export interface StreamStyle {
  /** The end of a line. */
  readonly lineEnd: "\n" | "\r\n" | "\r";
  /** Ends with `[DONE]`. */
  readonly done: boolean;
  /** Writes comments between the events. */
  readonly comments: boolean;
  /** A blank line stands between two events. */
  readonly blankLines: boolean;
  /** Answers as a whole, although a stream is asked for. */
  readonly whole: boolean;
  /** Leaves the response open behind its last event. */
  readonly staysOpen: boolean;
}

export const usualStyle: StreamStyle = {
  lineEnd: "\n",
  done: true,
  comments: false,
  blankLines: true,
  whole: false,
  staysOpen: false,
};

/** Returns the text of a message. */
export const textOf = ({ content }: ChatMessage): string =>
  typeof content === "string" ? content : (content ?? []).map(({ text }) => text ?? "").join("");

/** Answers by rules: about the weather with a tool, where that is declared; otherwise with an echo. */
export const defaultScript: ChatScript = (request) => {
  const messages = request.messages ?? [];
  const last = messages.at(-1);
  if (last?.role === "tool") {
    const since = messages.findLastIndex(({ role }) => role !== "tool");
    return [
      {
        text: messages
          .slice(since + 1)
          .map(phrase)
          .join(" "),
      },
    ];
  }
  const said = last === undefined ? "" : textOf(last);
  const hasWeather = request.tools?.some((tool) => tool.function?.name === "get_weather") ?? false;
  const place = /\bweather\b.*?\b(?:in|at|for|of)\s+([^?!.;\n]+)/is.exec(said)?.[1];
  if (hasWeather && request.tool_choice !== "none" && place !== undefined) {
    const places = place.split(/,|\band\b/i).map((part) => part.trim());
    return places
      .filter((one) => one !== "")
      .map((location) => ({ call: "get_weather", args: { location } }));
  }
  if (/\b(hi|hello|hey|greet)\b/i.test(said)) {
    return [{ text: "Hello! I stand in for a service on this machine. Ask me about the weather." }];
  }
  return [{ text: `I heard you say: ${said.trim()}.` }];
};

function phrase(message: ChatMessage): string {
  const text = textOf(message);
  try {
    const { error, location, temperatureCelsius, conditions } = JSON.parse(text);
    if (error !== undefined) return `I could not do it: ${error}.`;
    if (temperatureCelsius !== undefined)
      return `In ${location} it is ${temperatureCelsius} degrees, ${conditions}.`;
  } catch {
    // It is a text.
  }
  return `The tool says: ${text}.`;
}
