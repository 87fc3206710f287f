import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LlamaTokenizer } from "llama-tokenizer-js";
import type * as Runtime from "onnxruntime-web/wasm";
import {
  type SpeechModelFile,
  speechModel,
  speechModelFolder,
} from "../../../shared/recognition/speech-model.ts";
import { type BiasState, KeytermBias } from "./keyterm-bias.ts";
import { recognitionRate } from "./messages.ts";

/** The tokens with which a text begins and ends. */
const startToken = 1;
const endToken = 2;

let loading: Promise<LlamaTokenizer> | undefined;

/** Loads the tokens of the model, once a thread: those of LLaMA, which the model's decoder was made with. */
function loadTokens(): Promise<LlamaTokenizer> {
  loading ??= import("llama-tokenizer-js").then((module) => module.default);
  return loading;
}

/** Returns the text of tokens. Those beyond the words of the model stand for nothing that is spoken. */
function textOf(tokenizer: LlamaTokenizer, tokens: readonly number[]): string {
  const known = tokens.filter((token) => token < tokenizer.vocabById.length);
  return tokenizer.decode([startToken, ...known]).trim();
}

/** The most tokens of a second of speech. More is a loop, into which the model falls in noise. */
const mostTokensPerSecond = 6.5;
/** Shorter sound is filled up with silence: the model's filters need some. In milliseconds. */
const shortestMs = 500;
/** The peak of the sound as the model gets it, 0…1: of sound 10 dB below, it understands 7 words in 100 fewer. */
const peak = 0.95;
/** The largest factor by which quiet sound is made louder. */
const mostGain = 16;
/** Tokens after which it is looked whether the text is wanted at all. */
const tokensBetweenLooks = 4;

export interface RecognitionOptions {
  readonly bias?: KeytermBias | null;
  /** Returns whether nobody wants the text any more. */
  readonly unwanted?: () => boolean;
}

/** Moonshine v1: English speech of one turn to text, with capital letters and punctuation. */
export class Moonshine {
  readonly #runtime: typeof Runtime;
  readonly #tokenizer: LlamaTokenizer;
  readonly #encoder: Runtime.InferenceSession;
  readonly #decoder: Runtime.InferenceSession;
  /** The inputs by which the decoder remembers: what was heard, and the text so far. */
  readonly #memory: readonly string[];
  readonly #emptyShape: readonly number[];

  private constructor(
    runtime: typeof Runtime,
    tokenizer: LlamaTokenizer,
    encoder: Runtime.InferenceSession,
    decoder: Runtime.InferenceSession,
  ) {
    this.#runtime = runtime;
    this.#tokenizer = tokenizer;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#memory = decoder.inputNames.filter((name) => name.startsWith("past_key_values."));
    const first = decoder.inputMetadata.find(({ name }) => name === this.#memory[0]);
    const shape = first?.isTensor ? first.shape : [];
    this.#emptyShape = [0, Number(shape[1]), 1, Number(shape[3])];
  }

  /** Loads the model. Rejects where a file is missing, or is not the one that was meant. */
  static async load(): Promise<Moonshine> {
    const runtime = await import("onnxruntime-web/wasm");
    // More threads of its own would take the cores that the calls need.
    runtime.env.wasm.numThreads = 1;
    runtime.env.logLevel = "error";
    const tokenizer = await loadTokens();
    const options = { enableCpuMemArena: false, enableMemPattern: false };
    // One after the other: the memory that loading takes is then taken once.
    const encoder = await runtime.InferenceSession.create(await modelFile("encoder_model.onnx"), options);
    const decoder = await runtime.InferenceSession.create(
      await modelFile("decoder_model_merged.onnx"),
      options,
    );
    const model = new Moonshine(runtime, tokenizer, encoder, decoder);
    // The first run is slow.
    await model.recognise(new Int16Array(recognitionRate / 2));
    return model;
  }

  /** Returns the bias for these names and words; null where there are none. */
  biasFor(terms: readonly string[]): KeytermBias | null {
    return terms.length === 0 ? null : new KeytermBias(this.#tokenizer, terms);
  }

  /**
   * Resolves with the text of speech, with null where it is not wanted any more.
   * @param samples Mono, at {@link recognitionRate}.
   */
  async recognise(samples: Int16Array, options: RecognitionOptions = {}): Promise<string | null> {
    const { bias = null, unwanted = () => false } = options;
    const { Tensor } = this.#runtime;
    const sound = new Float32Array(Math.max(samples.length, (recognitionRate * shortestMs) / 1_000));
    const scale = scaleOf(samples);
    for (const [index, sample] of samples.entries()) sound[index] = sample * scale;
    const { last_hidden_state: heard } = await this.#encoder.run({
      input_values: new Tensor("float32", sound, [1, sound.length]),
    });
    const most = Math.max(2, Math.ceil((sound.length / recognitionRate) * mostTokensPerSecond));
    const memory: Record<string, Runtime.Tensor> = {};
    for (const name of this.#memory)
      memory[name] = new Tensor("float32", new Float32Array(0), this.#emptyShape);
    const tokens: number[] = [];
    let state: BiasState = [];
    for (let next = startToken; tokens.length < most; ) {
      const first = tokens.length === 0;
      const out = await this.#decoder.run({
        input_ids: new Tensor("int64", BigInt64Array.of(BigInt(next)), [1, 1]),
        encoder_hidden_states: heard!,
        use_cache_branch: new Tensor("bool", Uint8Array.of(first ? 0 : 1), [1]),
        ...memory,
      });
      const logits = out.logits!.data as Float32Array;
      bias?.apply(logits, state);
      next = likeliest(logits);
      if (next === endToken) break;
      tokens.push(next);
      if (bias !== null) state = bias.advance(state, next);
      for (const name of this.#memory) {
        // The part of the cache that comes from the encoder does not change after the first step.
        if (first || name.includes(".decoder."))
          memory[name] = out[name.replace("past_key_values", "present")]!;
      }
      if (tokens.length % tokensBetweenLooks === 0) {
        // Messages come in.
        await new Promise((resolve) => setImmediate(resolve));
        if (unwanted()) return null;
      }
    }
    return textOf(this.#tokenizer, tokens);
  }
}

/** Returns the factor that makes samples −1…1, equally loud for each request. */
function scaleOf(samples: Int16Array): number {
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return Math.min(peak / Math.max(1, loudest), mostGain / 32_768);
}

async function modelFile(name: SpeechModelFile): Promise<Uint8Array> {
  const folder = speechModelFolder();
  if (folder === null) throw new Error("The files of the speech model are not installed");
  const path = join(folder, name);
  const bytes = await readFile(path);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== speechModel.files[name]) throw new Error(`${path} is not the file that was meant: ${found}`);
  return bytes;
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token += 1) if (logits[token]! > logits[best]!) best = token;
  return best;
}
