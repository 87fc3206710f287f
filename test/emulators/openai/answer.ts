import { randomBytes } from "node:crypto";
import type { Dialect } from "./dialects.ts";
import type { ChatRequest, ChatStep } from "./script.ts";

/** One event of an answer: a chunk, or a line as it is; with the text in it. */
export type WireEvent =
  | { readonly chunk: Readonly<Record<string, unknown>>; readonly text: string }
  | { readonly line: string };

/** The lengths of the first piece of a text, and of each that follows, in characters. */
const pieceLengths = { first: 18, next: 96 };
/** The length of a piece of arguments, in characters. */
const argumentsLength = 9;

/** The chunks of one answer, as OpenAI streams them. */
export class WireAnswer {
  readonly #id = `chatcmpl-${randomBytes(12).toString("hex")}`;
  readonly #created = Math.floor(Date.now() / 1_000);
  readonly #request: ChatRequest;
  readonly #dialect: Dialect;
  readonly #promptTokens: number;
  #written = 0;
  #reasoned = 0;
  #calls = 0;
  #usage: Readonly<Record<string, unknown>> | null | undefined;

  constructor(request: ChatRequest, dialect: Dialect) {
    this.#request = request;
    this.#dialect = dialect;
    this.#promptTokens = Math.ceil(JSON.stringify(request.messages).length / 4);
  }

  *events(steps: readonly ChatStep[]): Generator<WireEvent, void, void> {
    let finish: string | null | undefined;
    yield this.#delta({ role: "assistant", content: "", refusal: null });
    for (const step of steps) {
      if ("finish" in step) finish = step.finish;
      else if ("usage" in step) this.#usage = step.usage;
      else if ("line" in step) yield step;
      else if ("delta" in step) yield this.#delta(step.delta);
      else if ("text" in step) yield* this.#text(step.text);
      else if ("reasoning" in step) {
        this.#reasoned += step.reasoning.split(/\s+/).length;
        yield this.#delta({ [step.field ?? "reasoning_content"]: step.reasoning });
      } else yield* this.#call(step);
    }
    finish = finish === undefined ? (this.#calls > 0 ? "tool_calls" : "stop") : finish;
    if (finish !== null) yield this.#last(finish);
    if (this.#asked && this.#dialect.usage === "asked") {
      yield { chunk: { ...this.#head, choices: [], usage: this.#count() }, text: "" };
    }
  }

  /** Returns the answer as a whole. */
  whole(steps: readonly ChatStep[]): object {
    let content = "";
    const calls: object[] = [];
    for (const step of steps) {
      if ("text" in step) content += step.text;
      if ("call" in step) {
        calls.push({
          id: step.id ?? newId(),
          type: "function",
          function: { name: step.call, arguments: JSON.stringify(step.args ?? {}) },
        });
      }
    }
    this.#written = content.split(/\s+/).filter(Boolean).length;
    const message = {
      role: "assistant",
      content: content || null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    const finish = calls.length > 0 ? "tool_calls" : "stop";
    return {
      ...this.#head,
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: finish }],
      usage: this.#count(),
    };
  }

  get #asked(): boolean {
    return this.#request.stream_options?.include_usage === true;
  }

  get #head(): Readonly<Record<string, unknown>> {
    const model = this.#request.model;
    return {
      id: this.#id,
      object: "chat.completion.chunk",
      created: this.#created,
      model,
      system_fingerprint: "fp_emulated",
    };
  }

  *#text(text: string): Generator<WireEvent> {
    for (const piece of pieces(text)) {
      this.#written += piece.split(/\s+/).filter(Boolean).length;
      yield this.#delta({ content: piece }, piece);
    }
  }

  *#call({
    call: name,
    args = {},
    id = newId(),
  }: {
    readonly call: string;
    readonly args?: unknown;
    readonly id?: string;
  }): Generator<WireEvent> {
    const index = this.#calls++;
    this.#written += 8;
    const text = JSON.stringify(args);
    yield this.#delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] });
    for (let at = 0; at < text.length; at += argumentsLength) {
      yield this.#delta({
        tool_calls: [{ index, function: { arguments: text.slice(at, at + argumentsLength) } }],
      });
    }
  }

  #delta(delta: object, text = ""): WireEvent {
    if ("tool_calls" in delta) this.#calls ||= 1;
    const choice = { index: 0, delta, logprobs: null, finish_reason: null };
    const asked = this.#asked && this.#dialect.usage === "asked" ? { usage: null } : {};
    return { chunk: { ...this.#head, choices: [choice], ...asked }, text };
  }

  #last(finish: string): WireEvent {
    const counted = this.#count();
    const { usage } = this.#dialect;
    const within = usage === "within_choice" ? { usage: counted } : {};
    const choice = { index: 0, delta: {}, logprobs: null, finish_reason: finish, ...within };
    const beside =
      usage === "last_choice"
        ? { usage: counted }
        : usage === "x_groq"
          ? { x_groq: { id: "req_1", usage: counted } }
          : {};
    return { chunk: { ...this.#head, choices: [choice], ...beside }, text: "" };
  }

  #count(): Readonly<Record<string, unknown>> | null {
    if (this.#usage !== undefined) return this.#usage;
    const completion = this.#written + this.#reasoned;
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: completion,
      total_tokens: this.#promptTokens + completion,
      completion_tokens_details: { reasoning_tokens: this.#reasoned },
    };
  }
}

const newId = (): string => `call_${randomBytes(12).toString("hex")}`;

/** Words are cut wherever a piece ends, and characters are not. */
function* pieces(text: string): Generator<string> {
  const characters = [...text];
  for (let at = 0; at < characters.length; ) {
    const length = at === 0 ? pieceLengths.first : pieceLengths.next;
    yield characters.slice(at, at + length).join("");
    at += length;
  }
}
