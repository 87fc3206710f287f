import {
  anyFunction,
  type Check,
  type Checks,
  checkOptions,
  list,
  number,
  oneOf,
  texts,
  truth,
} from "../agent/options/option-checks.ts";
import {
  RealtimeModel as BaseModel,
  type RealtimeCapabilities,
  type RealtimeOpenRequest,
} from "../agent/realtime-model.ts";
import { within } from "../shared/deadline.ts";
import type { RealtimeReply, RealtimeSession } from "./realtime-session.ts";
import { frequencyOf, ScriptedSession } from "./scripted-session.ts";

/** The options of a scripted speech-to-speech model. */
export interface RealtimeModelOptions {
  /** The replies of the model, one after the other. Default, and after those: `You said: …`. */
  readonly replies?: readonly RealtimeReply[];
  /** The words that are recognised, turn after turn, whoever speaks: any loud sound counts as speech. After the last one: no words. */
  readonly transcripts?: readonly string[];
  /**
   * The time of a turn's transcript: at the end of the turn, after the answer, or never.
   * @default in_time
   */
  readonly transcribes?: "in_time" | "late" | "never";
  /**
   * The silence that ends a turn, in milliseconds of sound.
   * @default 400
   */
  readonly endMs?: number;
  /**
   * The length of each character's sound, in milliseconds.
   * @default 20
   */
  readonly characterMs?: number;
  /**
   * Says whether answers have the id of their turn or request.
   * @default true
   */
  readonly correlates?: boolean;
  /**
   * Says whether its history keeps only the part of an answer that was heard.
   * @default true
   */
  readonly truncates?: boolean;
  readonly capabilities?: Partial<RealtimeCapabilities>;
  /**
   * Says whether its sessions have a handle, `session_1` and so on.
   * @default false
   */
  readonly handles?: boolean;
  /**
   * Says whether the instructions and the functions of its sessions can change.
   * @default false: the agent opens another session
   */
  readonly changes?: boolean;
  /**
   * The errors that `open` throws, one for each call; after those it opens sessions.
   * @default none
   */
  readonly failures?: readonly Error[];
}

const reply: Check = {
  fits: (value) => typeof value === "string" || Array.isArray(value) || anyFunction.fits(value),
  expected: "a text, a list of steps, or a function that makes them",
};

const checks: Checks<RealtimeModelOptions> = {
  replies: {
    fits: (value) => Array.isArray(value) && value.every(reply.fits),
    expected: "a list of replies",
  },
  transcripts: texts,
  transcribes: oneOf(["in_time", "late", "never"]),
  endMs: number(20, 60_000),
  characterMs: number(1, 10_000),
  correlates: truth,
  truncates: truth,
  handles: truth,
  changes: truth,
  capabilities: { fits: (value) => typeof value === "object" && value !== null, expected: "an object" },
  failures: list("errors"),
};

/**
 * A speech-to-speech model that does what a test tells it. It detects speech, but not its words. Each of its answers has its own
 * tone, in which each character has the same length. Nothing in it is random.
 *
 * ```ts
 * const llm = new testing.RealtimeModel({ transcripts: ["What is the weather?"], replies: ["It is sunny."] });
 * const agent = new Agent({ edge, agentUser, instructions, llm });
 * const session = await llm.session();       // what the model has heard, was asked, and remembers
 * ```
 */
export interface RealtimeModel extends BaseModel {
  readonly provider: "testing";
  readonly model: "realtime";
  /** The sessions so far, closed ones included. */
  readonly sessions: RealtimeSession[];
  /** Adds replies after those that are scripted already. */
  reply(...replies: readonly RealtimeReply[]): void;
  /**
   * Resolves with a session once it is open.
   * @param count The number of the session, from 1. Default: 1.
   * @throws a `DeadlineError` after 10 s
   */
  session(count?: number): Promise<RealtimeSession>;
  open(request: RealtimeOpenRequest): Promise<RealtimeSession>;
}

class ScriptedRealtimeModel extends BaseModel implements RealtimeModel {
  readonly provider = "testing";
  readonly model = "realtime";
  readonly capabilities: RealtimeCapabilities;
  readonly sessions: RealtimeSession[] = [];
  readonly #options: RealtimeModelOptions;
  readonly #replies: RealtimeReply[];
  readonly #transcripts: string[];
  readonly #failures: Error[];
  #changed = Promise.withResolvers<void>();
  #answers = 0;

  constructor(options: RealtimeModelOptions = {}) {
    super();
    checkOptions("testing.RealtimeModel", options, checks);
    this.#options = options;
    this.capabilities = {
      inputSampleRate: 16_000,
      endsAnswers: true,
      asyncTools: false,
      says: true,
      ...options.capabilities,
    };
    this.#replies = [...(options.replies ?? [])];
    this.#transcripts = [...(options.transcripts ?? [])];
    this.#failures = [...(options.failures ?? [])];
  }

  reply(...replies: readonly RealtimeReply[]): void {
    this.#replies.push(...replies);
  }

  async session(count = 1): Promise<RealtimeSession> {
    const wait = async () => {
      while (this.sessions.length < count) await this.#changed.promise;
    };
    await within(wait(), 10_000, `Session ${count} with the model`);
    return this.sessions[count - 1]!;
  }

  async open(request: RealtimeOpenRequest): Promise<RealtimeSession> {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    request.signal.throwIfAborted();
    const { characterMs = 20, endMs = 400, correlates = true, truncates = true } = this.#options;
    const { transcribes = "in_time" } = this.#options;
    const { asyncTools, endsAnswers } = this.capabilities;
    const session = new ScriptedSession(request, {
      ...{ characterMs, endMs, correlates, truncates, transcribes, asyncTools, endsAnswers },
      changes: this.#options.changes ?? false,
      handle: this.#options.handles ? `session_${this.sessions.length + 1}` : null,
      nextTranscript: () => this.#transcripts.shift() ?? "",
      nextReply: (heard) => this.#replies.shift() ?? `You said: ${heard}`,
      nextAnswer: () => this.#answers++,
    });
    this.sessions.push(session);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return session;
  }

  override async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
  }
}

export const RealtimeModel: {
  /** @throws a `TypeError` that names an option which does not exist or cannot be */
  new (options?: RealtimeModelOptions): RealtimeModel;
  /** Returns the frequency of an answer, by its index among all answers of the model, in hertz: 300, 400 … 1,200, and again. */
  frequencyOf(index: number): number;
} = Object.assign(ScriptedRealtimeModel, { frequencyOf });
