import { randomBytes } from "node:crypto";
import { generationOf } from "./request-check.ts";
import type { GeminiCall, GeminiRequest, GeminiStep } from "./script.ts";

/** One chunk of an answer, how many tokens the model writes for it, and the text in it that is no thought. */
export interface WireChunk {
  readonly body: object;
  readonly tokens: number;
  readonly text: string;
}

/** The lengths of the first chunk of a text, and of each that follows, in characters. */
const chunkLengths = { first: 18, next: 96 };
/** The number of tokens by which the prompt of models before Gemini 3 is counted too high until the last chunk. */
const countedTooMuch = 2;

interface Plan {
  readonly parts: readonly object[];
  readonly tokens: number;
  readonly thoughts: number;
  /** The token counts that the script sets for this chunk. */
  readonly usage?: Readonly<Record<string, number>> | null;
}

/** The chunks of one answer, as the Gemini API streams them. */
export class WireAnswer {
  readonly #model: string;
  readonly #id = randomBytes(12).toString("base64url");
  readonly #promptTokens: number;
  readonly #sign: () => string;
  readonly #generation: number;
  readonly #signs: boolean;
  #counted = { candidates: 0, thoughts: 0 };
  #usage: Readonly<Record<string, number>> | null = null;
  #calls = 0;

  /** `sign` makes a thought signature, for models that think. */
  constructor(request: GeminiRequest, model: string, sign: () => string) {
    this.#model = model;
    this.#generation = generationOf(model);
    this.#signs = thinks(request, model);
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
    // Models before Gemini 3 tell the reason with the last words or calls. Later ones do so with an empty text, which is
    // signed where it stands behind words.
    const last = held?.parts.at(-1);
    const ends = last !== undefined && !("thought" in last) && this.#generation < 3;
    if (held !== null && !ends) yield this.#chunk(held, null);
    if (held === null || !ends) {
      const signed = last !== undefined && "text" in last && this.#signs;
      held = {
        parts: [{ text: "", ...(signed && { thoughtSignature: this.#sign() }) }],
        tokens: 0,
        thoughts: 0,
      };
    }
    yield this.#chunk({ ...held, usage: this.#usage }, finish);
  }

  *#plans(
    step: Exclude<GeminiStep, { finish: unknown } | { usage: unknown } | { block: unknown }>,
  ): Generator<Plan> {
    if ("text" in step) {
      for (const text of pieces(step.text)) {
        yield { parts: [{ text }], tokens: text.split(/\s+/).filter(Boolean).length, thoughts: 0 };
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
    const signs = this.#calls++ === 0 && this.#signs;
    const thoughtSignature = signature === undefined ? (signs ? this.#sign() : null) : signature;
    const ownId =
      id === undefined && hasIds(this.#model) ? randomBytes(6).toString("base64url") : (id ?? null);
    return {
      functionCall: { ...(ownId === null ? {} : { id: ownId }), name, args },
      ...(thoughtSignature === null ? {} : { thoughtSignature }),
    };
  }

  #chunk({ parts, tokens, thoughts, usage }: Plan, finishReason: string | null): WireChunk {
    this.#counted.candidates += tokens;
    this.#counted.thoughts += thoughts;
    return {
      tokens: tokens + thoughts,
      text: parts.map((part) => ("thought" in part ? "" : textIn(part))).join(""),
      body: {
        candidates: [
          {
            content: { parts, role: "model" },
            ...(finishReason === null ? {} : { finishReason }),
            index: 0,
          },
        ],
        usageMetadata: usage ?? this.#count(finishReason !== null),
        modelVersion: this.#model,
        responseId: this.#id,
      },
    };
  }

  #blocked(blockReason: string): WireChunk {
    return {
      tokens: 0,
      text: "",
      body: {
        promptFeedback: { blockReason },
        usageMetadata: { promptTokenCount: this.#promptTokens, totalTokenCount: this.#promptTokens },
        modelVersion: this.#model,
        responseId: this.#id,
      },
    };
  }

  /**
   * Returns the token counts from the beginning of the answer. Gemini 2.0 counts what it wrote only with the last
   * chunk.
   */
  #count(last: boolean): object {
    const { candidates, thoughts } = this.#counted;
    const promptTokenCount = this.#promptTokens + (last || this.#generation >= 3 ? 0 : countedTooMuch);
    const candidatesTokenCount = last || this.#generation >= 2.5 ? candidates : 0;
    return {
      promptTokenCount,
      ...(candidatesTokenCount > 0 ? { candidatesTokenCount } : {}),
      ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
      totalTokenCount: promptTokenCount + candidatesTokenCount + thoughts,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: promptTokenCount }],
    };
  }
}

const textIn = (part: object): string => ("text" in part && typeof part.text === "string" ? part.text : "");

/** Words are cut wherever a chunk ends, and characters are not. */
function* pieces(text: string): Generator<string> {
  const characters = [...text];
  for (let length = chunkLengths.first; characters.length > 0; length = chunkLengths.next) {
    yield characters.splice(0, length).join("");
  }
}

/** Models before Gemini 3, and the first of Gemini 3, give their calls no ids. */
function hasIds(model: string): boolean {
  return generationOf(model) >= 3 && model !== "gemini-3-pro-preview";
}

/**
 * Returns whether a model thinks before it answers, and signs that. `flash-lite` of Gemini 2.5 does so only where it is
 * asked to.
 */
function thinks({ generationConfig }: GeminiRequest, model: string): boolean {
  const generation = generationOf(model);
  const { thinkingBudget = model.includes("flash-lite") ? 0 : -1 } = generationConfig?.thinkingConfig ?? {};
  return generation >= 3 || (generation >= 2.5 && thinkingBudget !== 0);
}
