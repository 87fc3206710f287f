import { randomBytes } from "node:crypto";
import { generationOf } from "./request-check.ts";
import type { GeminiCall, GeminiRequest, GeminiStep } from "./script.ts";

/** One chunk of an answer, and whether it is paced as a token. */
export interface WireChunk {
  readonly body: object;
  readonly token: boolean;
}

interface Plan {
  readonly parts: readonly object[];
  readonly tokens: number;
  readonly thoughts: number;
  /** What the script wants told of tokens, up to here. */
  readonly usage?: Readonly<Record<string, number>> | null;
}

/** The chunks of one answer, as the Gemini API streams them. */
export class WireAnswer {
  readonly #model: string;
  readonly #id = randomBytes(12).toString("base64url");
  readonly #promptTokens: number;
  readonly #sign: () => string;
  #counted = { candidates: 0, thoughts: 0 };
  #usage: Readonly<Record<string, number>> | null = null;
  #calls = 0;

  /** `sign` makes the signature of a call, for models that sign. */
  constructor(request: GeminiRequest, model: string, sign: () => string) {
    this.#model = model;
    this.#promptTokens = Math.ceil(JSON.stringify([request.systemInstruction, request.contents]).length / 4);
    this.#sign = sign;
  }

  *chunks(steps: readonly GeminiStep[]): Generator<WireChunk, void, void> {
    let finish: string | null = "STOP";
    let held: Plan | null = null;
    for (const step of steps) {
      if ("finish" in step) finish = step.finish;
      else if ("usage" in step) this.#usage = step.usage;
      else if ("block" in step) return yield this.#blocked(step.block);
      else {
        for (const plan of this.#plans(step)) {
          if (held !== null) yield this.#chunk(held, null);
          held = { ...plan, usage: this.#usage };
        }
      }
    }
    // The last words carry the reason; behind anything else it comes with an empty text.
    const last = held?.parts.at(-1);
    const onLast = last !== undefined && "text" in last && !("thought" in last);
    if (held !== null && !onLast) yield this.#chunk(held, null);
    if (held === null || !onLast) held = { parts: [{ text: "" }], tokens: 0, thoughts: 0 };
    yield this.#chunk({ ...held, usage: this.#usage }, finish);
  }

  *#plans(
    step: Exclude<GeminiStep, { finish: unknown } | { usage: unknown } | { block: unknown }>,
  ): Generator<Plan> {
    if ("text" in step) {
      for (const word of step.text.match(/\s*\S+\s*$|\s*\S+/g) ?? []) {
        yield { parts: [{ text: word }], tokens: 1, thoughts: 0 };
      }
    } else if ("thought" in step) {
      const thoughts = step.thought.split(/\s+/).length;
      yield { parts: [{ text: step.thought, thought: true }], tokens: 0, thoughts };
    } else if ("parts" in step) {
      yield { parts: step.parts as readonly object[], tokens: step.parts.length, thoughts: 0 };
    } else {
      const calls = "calls" in step ? step.calls : [step];
      yield { parts: calls.map((call) => this.#call(call)), tokens: calls.length * 8, thoughts: 0 };
    }
  }

  #call({ call: name, args = {}, id, signature }: GeminiCall): object {
    const signs = this.#calls++ === 0 && generationOf(this.#model) >= 3;
    const thoughtSignature = signature === undefined ? (signs ? this.#sign() : null) : signature;
    const ownId = id === undefined ? randomBytes(6).toString("base64url") : id;
    return {
      functionCall: { ...(ownId === null ? {} : { id: ownId }), name, args },
      ...(thoughtSignature === null ? {} : { thoughtSignature }),
    };
  }

  #chunk({ parts, tokens, thoughts, usage }: Plan, finishReason: string | null): WireChunk {
    this.#counted.candidates += tokens;
    this.#counted.thoughts += thoughts;
    return {
      token: tokens + thoughts > 0,
      body: {
        candidates: [
          {
            content: { parts, role: "model" },
            ...(finishReason === null ? {} : { finishReason }),
            index: 0,
          },
        ],
        usageMetadata: usage ?? this.#count(),
        modelVersion: this.#model,
        responseId: this.#id,
      },
    };
  }

  #blocked(blockReason: string): WireChunk {
    return {
      token: false,
      body: {
        promptFeedback: { blockReason },
        usageMetadata: { promptTokenCount: this.#promptTokens, totalTokenCount: this.#promptTokens },
        modelVersion: this.#model,
        responseId: this.#id,
      },
    };
  }

  /** From the beginning of the answer, as on every chunk of the real one. */
  #count(): object {
    const { candidates, thoughts } = this.#counted;
    return {
      promptTokenCount: this.#promptTokens,
      candidatesTokenCount: candidates,
      ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
      totalTokenCount: this.#promptTokens + candidates + thoughts,
    };
  }
}
