import {
  type Check,
  type Checks,
  fillWith,
  number,
  text,
  texts,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";
import { type Access, type AccessOptions, accessChecks, accessOf } from "./access.ts";

/** The options of speech to text by Cartesia. A wrong option throws a `TypeError` that names it. */
export interface STTOptions extends AccessOptions {
  /**
   * The model, one that finds turns. It understands English.
   * @default `ink-2`
   */
  readonly model?: string;
  /**
   * Words and names to expect, at most 100, of 1200 characters together.
   * @default none
   */
  readonly keyterms?: readonly string[];
  /**
   * Also reports when the speaker has probably finished, so that the answer is prepared early, for more requests to the model.
   * @default false
   */
  readonly eagerTurnDetection?: boolean;
  /**
   * The likelihood of speech above which a turn starts, 0.5 to 0.9. It is the highest of the three.
   * @default Cartesia's, 0.8
   */
  readonly startThreshold?: number;
  /**
   * The likelihood of speech below which a turn has probably ended, 0.3 to 0.6, with `eagerTurnDetection`.
   * @default Cartesia's, 0.4
   */
  readonly eagerEndThreshold?: number;
  /**
   * The likelihood of speech below which a turn ends, 0.05 to 0.5. Lower it where speakers are interrupted. It is the lowest.
   * @default Cartesia's, 0.2
   */
  readonly endThreshold?: number;
  /**
   * The silence that ends a turn at any likelihood, in milliseconds, 640 to 11200.
   * @default Cartesia's, 5600
   */
  readonly endTimeoutMs?: number;
  /**
   * The longest wait for a connection, in milliseconds.
   * @default 3000
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
   * The sound that is kept for a new connection, in milliseconds. Beyond it the oldest sound is dropped.
   * @default 30000: a whole turn, which is sent again where a connection is lost
   */
  readonly maxUnheardMs?: number;
  /**
   * The time without sound after which a tenth of a second of silence is sent, so that the connection stays open, in milliseconds, 1000 to
   * 15000.
   * @default 8000
   */
  readonly keepAliveIntervalMs?: number;
  /**
   * The longest wait for the last words when a stream is closed, in milliseconds.
   * @default 500
   */
  readonly closeTimeoutMs?: number;
}

type FilledName =
  | "model"
  | "keyterms"
  | "eagerTurnDetection"
  | "connectTimeoutMs"
  | "connectAttempts"
  | "retryDelayMs"
  | "maxUnheardMs"
  | "keepAliveIntervalMs"
  | "closeTimeoutMs";
/** The options with their defaults. */
export type FilledSttOptions = STTOptions & Required<Pick<STTOptions, FilledName>> & Access;

const owner = "cartesia.STT";
const words: Check = {
  fits: (value) =>
    texts.fits(value) && (value as string[]).length <= 100 && (value as string[]).join("").length <= 1_200,
  expected: "a list of texts that are not empty, at most 100, of 1200 characters together",
};

const checks: Checks<STTOptions> = {
  ...accessChecks,
  model: text,
  keyterms: words,
  eagerTurnDetection: truth,
  startThreshold: number(0.5, 0.9),
  eagerEndThreshold: number(0.3, 0.6),
  endThreshold: number(0.05, 0.5),
  endTimeoutMs: whole(640, 11_200),
  connectTimeoutMs: whole(1, 60_000),
  connectAttempts: whole(1, 100),
  retryDelayMs: whole(0, 60_000),
  maxUnheardMs: whole(1_000, 600_000),
  keepAliveIntervalMs: whole(1_000, 15_000),
  closeTimeoutMs: whole(0, 60_000),
};

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or a missing key. */
export function fillSttOptions(given: STTOptions): FilledSttOptions {
  const filled = fillWith(owner, given, checks, {
    model: "ink-2",
    keyterms: [],
    eagerTurnDetection: false,
    connectTimeoutMs: 3_000,
    connectAttempts: 5,
    retryDelayMs: 200,
    maxUnheardMs: 30_000,
    keepAliveIntervalMs: 8_000,
    closeTimeoutMs: 500,
  });
  if (given.eagerEndThreshold !== undefined && !filled.eagerTurnDetection) {
    throw new TypeError(`${owner}: eagerEndThreshold needs eagerTurnDetection: true`);
  }
  const { startThreshold = 0.8, eagerEndThreshold = 0.4, endThreshold = 0.2 } = filled;
  if (startThreshold <= eagerEndThreshold || eagerEndThreshold <= endThreshold) {
    throw new TypeError(
      `${owner}: startThreshold, ${startThreshold}, must be above eagerEndThreshold, ${eagerEndThreshold}, and that above endThreshold, ${endThreshold}`,
    );
  }
  return { ...filled, ...accessOf(owner, given) };
}
