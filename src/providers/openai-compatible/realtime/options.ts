import {
  type Check,
  type Checks,
  duration,
  fillWith,
  matching,
  number,
  oneOf,
  text,
  texts,
  whole,
} from "../../../agent/options/option-checks.ts";
import type { EnergyGateOptions } from "../../../audio/detection/energy-gate.ts";
import { defaultTurnDetection, type TurnDetectorOptions } from "../../../audio/detection/turn-detector.ts";
import { type EndpointOptions, endpointChecks } from "../endpoint.ts";

/** The places at which the turns of a realtime transcription can be found. */
export type RealtimeTurnDetection = "server" | "semantic" | "local";

/** The options of a realtime transcription. A wrong option throws a `TypeError` that names it. */
export interface RealtimeSTTOptions extends EndpointOptions, TurnDetectorOptions, EnergyGateOptions {
  /**
   * The language, by ISO 639-1, such as `de`.
   * @default detected by the model, which fails for short turns
   */
  readonly language?: string;
  /**
   * Text that leads the model to names and spellings to expect. `gpt-realtime-whisper` takes none.
   * @default none
   */
  readonly prompt?: string;
  /**
   * Words and names to expect. Models without a field for them, such as `gpt-4o-transcribe`, are told them by the prompt.
   * @default none
   */
  readonly keyterms?: readonly string[];
  /**
   * The noise that OpenAI takes away: that of a headset (`near_field`) or of a microphone in a room (`far_field`).
   * @default none
   */
  readonly noiseReduction?: "near_field" | "far_field";
  /**
   * For `gpt-realtime-whisper`: how long the model waits for more sound before it writes. More is more accurate.
   * @default OpenAI's
   */
  readonly delay?: "minimal" | "low" | "medium" | "high" | "xhigh";
  /**
   * Where the turns are found: by the loudness (`server`) or the words (`semantic`) at OpenAI, or in the sound on this side, as
   * `local.STT` does (`local`). Then only speech is sent, and the words come while it goes on.
   * @default `local` for `gpt-live-transcribe` and `gpt-realtime-whisper`, which find none; `server` for others
   */
  readonly turnDetection?: RealtimeTurnDetection;
  /**
   * For `server`: the loudness that is speech, 0 to 1. Raise it in noise.
   * @default OpenAI's, 0.5
   */
  readonly threshold?: number;
  /**
   * For `server`: the sound before the speech that is transcribed with it, in milliseconds, 0 to 5000.
   * @default OpenAI's, 300
   */
  readonly prefixPaddingMs?: number;
  /**
   * For `server`: the quiet that ends a turn, in milliseconds, 100 to 10000. Raise it where speakers pause to think.
   * @default 500
   */
  readonly silenceMs?: number;
  /**
   * For `semantic`: how soon a turn ends. `low` waits at most 8 s for more words, `medium` and `auto` 4 s, `high` 2 s.
   * @default OpenAI's, `auto`
   */
  readonly eagerness?: "low" | "medium" | "high" | "auto";
  /**
   * The longest wait for a session, in milliseconds.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /**
   * The number of connections in a row that may fail before listening fails. Lower it where there is a fallback.
   * @default 5
   */
  readonly connectAttempts?: number;
  /**
   * The pause before the second attempt, in milliseconds; it doubles each time, and up to half of it is random.
   * @default 200
   */
  readonly retryDelayMs?: number;
  /**
   * The longest wait for the words of a turn that is over, in milliseconds. Then the connection is replaced, and the turn sent again.
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * The sound that is kept for a new connection, in milliseconds. Beyond it the oldest sound is dropped.
   * @default 30000: a whole turn, which is sent again where a connection is lost
   */
  readonly maxUnheardMs?: number;
  /**
   * The time between two pings, in milliseconds, 1000 to 60000. A connection on which nothing arrives for so long is replaced.
   * @default 10000
   */
  readonly keepAliveIntervalMs?: number;
  /**
   * The longest wait for the last words when a stream is closed, in milliseconds.
   * @default 1000
   */
  readonly closeTimeoutMs?: number;
}

type FilledName =
  | "turnDetection"
  | "silenceMs"
  | "endMs"
  | "connectTimeoutMs"
  | "connectAttempts"
  | "retryDelayMs"
  | "timeoutMs"
  | "maxUnheardMs"
  | "keepAliveIntervalMs"
  | "closeTimeoutMs";

export type FilledRealtimeOptions = RealtimeSTTOptions & Required<Pick<RealtimeSTTOptions, FilledName>>;

const turnDetections: readonly RealtimeTurnDetection[] = ["server", "semantic", "local"];
const words: Check = { ...texts, expected: "a list of texts that are not empty" };

const checks: Checks<RealtimeSTTOptions> = {
  ...endpointChecks,
  language: matching(/^[a-z]{2,3}$/, "a code such as de"),
  prompt: text,
  keyterms: words,
  noiseReduction: oneOf(["near_field", "far_field"]),
  delay: oneOf(["minimal", "low", "medium", "high", "xhigh"]),
  turnDetection: oneOf(turnDetections),
  threshold: number(0, 1),
  prefixPaddingMs: whole(0, 5_000),
  silenceMs: whole(100, 10_000),
  eagerness: oneOf(["low", "medium", "high", "auto"]),
  startMs: number(20, 2_000),
  endMs: number(100, 10_000),
  maxTurnMs: number(1_000, 600_000),
  overBackground: number(1, 100),
  minLevel: number(1, 32_768),
  connectTimeoutMs: whole(1, 60_000),
  connectAttempts: whole(1, 100),
  retryDelayMs: whole(0, 60_000),
  timeoutMs: duration(),
  maxUnheardMs: whole(1_000, 600_000),
  keepAliveIntervalMs: whole(1_000, 60_000),
  closeTimeoutMs: whole(0, 60_000),
};

/** The options that belong to one way of finding turns. */
const ownOptions: Readonly<Record<RealtimeTurnDetection, readonly (keyof RealtimeSTTOptions)[]>> = {
  server: ["threshold", "prefixPaddingMs", "silenceMs"],
  semantic: ["eagerness"],
  local: ["startMs", "endMs", "maxTurnMs", "overBackground", "minLevel"],
};

/** The models that write while somebody speaks, and find no turns. */
const findsNoTurns = /^gpt-(live-transcribe|realtime-whisper)/;
/** Returns whether a model has a field for words to expect. */
export const takesKeywords = (model: string): boolean => /^gpt-(live-)?transcribe/.test(model);

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or one that the model cannot do. */
export function fillRealtimeOptions(model: string, given: RealtimeSTTOptions): FilledRealtimeOptions {
  const owner = "openaiCompatible.RealtimeSTT";
  const filled = fillWith(owner, given, checks, {
    turnDetection: findsNoTurns.test(model) ? "local" : "server",
    silenceMs: 500,
    endMs: defaultTurnDetection.endMs,
    connectTimeoutMs: 5_000,
    connectAttempts: 5,
    retryDelayMs: 200,
    timeoutMs: 10_000,
    maxUnheardMs: 30_000,
    keepAliveIntervalMs: 10_000,
    closeTimeoutMs: 1_000,
  });
  const { turnDetection } = filled;
  if (turnDetection !== "local" && findsNoTurns.test(model)) {
    throw new TypeError(`${owner}: ${model} finds no turns: turnDetection must be local`);
  }
  for (const other of turnDetections.filter((one) => one !== turnDetection)) {
    const wrong = ownOptions[other].find((name) => given[name] !== undefined);
    if (wrong === undefined) continue;
    throw new TypeError(`${owner}: ${wrong} is for turnDetection ${other}, not for ${turnDetection}`);
  }
  if (model.startsWith("gpt-realtime-whisper")) {
    const wrong = (["prompt", "keyterms"] as const).find((name) => given[name] !== undefined);
    if (wrong !== undefined) throw new TypeError(`${owner}: ${model} takes no ${wrong}`);
  } else if (given.delay !== undefined) {
    throw new TypeError(`${owner}: delay is for gpt-realtime-whisper, not for ${model}`);
  }
  return filled;
}
