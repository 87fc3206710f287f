import type { AgentValues, SayOptions } from "./call/agent-in-call.ts";
import { type BroadcastOptions, defaultBroadcast } from "./call/call-events.ts";
import type { AgentUser, Edge } from "./edge.ts";
import { checkGuards, type Guard, guardsCheck } from "./guards/guard.ts";
import { type BargeInOptions, bargeInChecks, defaultBargeIn } from "./hearing/barge-in.ts";
import type { Stage } from "./host.ts";
import type { LLM } from "./llm.ts";
import { type BudgetOptions, budgetChecks, defaultBudget } from "./options/budget.ts";
import { type AgentLimits, defaultAgentLimits, limitChecks } from "./options/limits.ts";
import {
  type Checks,
  checkOptions,
  duration,
  fillWith,
  group,
  having,
  isObject,
  matchesAll,
  orNull,
  text,
  textOrEmpty,
  texts,
  truth,
} from "./options/option-checks.ts";
import { isRealtime, type RealtimeModel } from "./realtime-model.ts";
import { type AgentRole, checkRoles, rolesCheck } from "./role/agent-role.ts";
import type { Pronunciations } from "./speech-text/pronunciations.ts";
import { pronunciationsCheck } from "./speech-text/pronunciations.ts";
import type { TextTransform } from "./speech-text/text-transform.ts";
import { textTransformsCheck } from "./speech-text/text-transform.ts";
import type { STT } from "./stt.ts";
import { checkTaken } from "./tools/agent-tools.ts";
import { type Toolset, toolsetsCheck } from "./tools/tools.ts";
import type { TTS } from "./tts.ts";

/** The options of an agent. A wrong one throws a `TypeError` that names it. `Values`: those of its `data`. */
export interface AgentOptions<Values extends AgentValues = AgentValues> extends Partial<BroadcastOptions> {
  /** The edge that carries the call. */
  readonly edge: Edge;
  /** The user that the agent is in the call. */
  readonly agentUser: AgentUser;
  /** The standing instructions of the model. */
  readonly instructions: string;
  /**
   * The model: one that writes text, which `tts` speaks and which reads what `stt` hears, or a speech-to-speech model, which
   * hears and speaks itself.
   */
  readonly llm: LLM | RealtimeModel;
  /** Hears participants who speak, where the edge carries sound. None beside a speech-to-speech model. */
  readonly stt?: STT;
  /**
   * Voices the agent, where the edge carries sound. Beside a speech-to-speech model it speaks the texts of `say`, which that
   * model would say in its own words, and what such a model writes instead of speaking.
   */
  readonly tts?: TTS;
  /**
   * The changes that the model's text goes through before it is spoken, in this order. It changes what the voice says,
   * never the conversation or the transcript. Add your own: `[...textTransforms.standard, textTransforms.money("de"),
   * (sentence) => …]`.
   * @default `textTransforms.standard`: code, tags, sources, links, formulas, Markdown and emojis are not read aloud
   */
  readonly ttsTextTransforms?: readonly TextTransform[];
  /**
   * A list of pronunciations: how a word is written, and what the voice says for it, such as `{ Nginx: "engine x" }`.
   * Whole words count, whatever their case.
   * @default none
   */
  readonly pronunciations?: Pronunciations;
  /**
   * The words that the agent says after a turn that failed; null says nothing.
   * @default an apology in English
   */
  readonly apology?: string | null;
  /**
   * The words that the agent says, once, where a participant cannot be heard because the recogniser has failed for
   * good; null says nothing. The agent goes on trying to hear them.
   * @default a sentence in English that it cannot hear them at the moment
   */
  readonly unheardApology?: string | null;
  /**
   * Lets the call be taken up by a new thread where the agent's own has ended: crashed, stood still, or without memory. The server
   * then keeps the conversation and `agent.data`, until the session has ended; false where it must not: the session ends with
   * the thread. `{ failed: true }`: also where `joinCall` throws an error. Default true.
   */
  readonly restore?: boolean | RestoreOptions;
  /**
   * The words that the agent says where it has taken up a call in which it was cut in the middle of an answer, or owes one; null
   * says nothing. Default: a sentence in English.
   */
  readonly resumeLine?: string | null;
  readonly limits?: Partial<AgentLimits>;
  /** The rules for when a participant's words stop an agent that speaks. */
  readonly bargeIn?: Partial<BargeInOptions>;
  /**
   * The time in which nobody says anything after which there is a `user_silent` event, in milliseconds; null: never. It
   * counts from the moment that the agent has said all and nobody speaks, while somebody is there, and again once the
   * agent has said something into the silence.
   * @default 15000: long enough to look something up
   */
  readonly userSilentAfterMs?: number | null;
  /**
   * The most that the session may consume. Beyond it, `finish()` resolves when the turn is over.
   * @default no limits
   */
  readonly budget?: Partial<BudgetOptions>;
  /**
   * Functions that the model may call, besides those that are registered on it: a set of one's own, that of an MCP server, or several.
   * @default none
   */
  readonly tools?: Toolset | readonly Toolset[];
  /**
   * Functions that the model may call, by name. Those named here have to be registered by the time that `createAgent`
   * returns, or the agent joins, unless the agent has those of a server.
   * @default all that are registered
   */
  readonly allowedTools?: readonly string[];
  /**
   * The further roles that the agent may take on in its call, by name: `agent.become("billing")`, or a tool that returns `handoff("billing")`, has it
   * take on a role.
   * @default none
   */
  readonly roles?: Readonly<Record<string, AgentRole<Values>>>;
  /**
   * The values with which `agent.data` begins, which give it its type: JSON, 64 KiB of it at most. In a call that is taken up the values
   * of the agent before count, and those that it did not have begin as here.
   * @default none
   */
  readonly data?: Values;
  /**
   * Checks on the words that the agent hears, and on those that it is about to say, in every role.
   * @default none
   */
  readonly guards?: readonly Guard[];
}

/** The cases in which a call is taken up by a new thread, besides those in which the agent's own has ended. */
export interface RestoreOptions {
  /**
   * True where it is taken up also after an error that `joinCall` throws: it may be one of the moment. The agent then leaves its call
   * once `joinCall` is over, and not where what `join` gave is disposed of.
   * @default false: the session ends as `failed`
   */
  readonly failed?: boolean;
}

/** The options of `agent.join`. */
export interface JoinOptions {
  /**
   * The longest time that a join waits for somebody else in the call, in milliseconds, so that the agent's first words
   * are heard. The agent answers meanwhile; `join` resolves either way, and at once where the call or the session ends.
   * Null: it does not wait. A call of text is not waited in: what is written there is kept until somebody reads it.
   * @default 10000 in a call with sound
   */
  readonly participantWaitTimeoutMs?: number | null;
}

/** The agent's stay in its call. Disposing of it leaves the call. */
export interface Joined extends AsyncDisposable {
  /** True where somebody else was there when the join resolved. */
  readonly accompanied: boolean;
}

/** The options of an agent with the defaults filled in. */
export interface FilledAgentOptions extends Omit<AgentOptions, "restore">, BroadcastOptions {
  readonly apology: string | null;
  readonly unheardApology: string | null;
  /** `kept`: the call can be taken up. `failed`: also where `joinCall` throws. */
  readonly restore: { readonly kept: boolean; readonly failed: boolean };
  readonly resumeLine: string | null;
  readonly limits: AgentLimits;
  readonly bargeIn: BargeInOptions;
  readonly userSilentAfterMs: number | null;
  readonly budget: BudgetOptions;
  readonly broadcastMetrics: boolean;
  readonly broadcastMetricsIntervalMs: number;
  readonly broadcastTranscripts: boolean;
  readonly roles: Readonly<Record<string, AgentRole>>;
  readonly guards: readonly Guard[];
}

const defaults = {
  apology: "Sorry, something went wrong on my side. Could you say that again?",
  unheardApology: "Sorry, I can't hear you at the moment. Please give me a little while.",
  restore: true,
  resumeLine: "Sorry, I was cut off for a moment.",
  userSilentAfterMs: 15_000,
  roles: {},
  guards: [],
  ...defaultBroadcast,
} as const satisfies Partial<AgentOptions>;

const required = ["edge", "agentUser", "instructions", "llm"] as const;

const textModel = having(["generate", "close"], "a model, such as new gemini.LLM()");
const realtimeModel = having(["open", "close"], "a speech-to-speech model");

const checks: Checks<AgentOptions> = {
  edge: having(["createCall", "join", "close"], "an edge, such as new local.Edge()"),
  agentUser: matchesAll({ id: text, name: textOrEmpty }),
  instructions: textOrEmpty,
  llm: {
    fits: (value) => textModel.fits(value) || realtimeModel.fits(value),
    expected: textModel.expected,
  },
  stt: having(["listen", "close"], "a recogniser, such as new deepgram.STT()"),
  tts: having(["speak", "close"], "a voice, such as new elevenlabs.TTS()"),
  ttsTextTransforms: textTransformsCheck,
  pronunciations: pronunciationsCheck,
  apology: orNull(text),
  unheardApology: orNull(text),
  restore: {
    fits: (value) => truth.fits(value) || isRestoreOptions(value),
    expected: "true, false or { failed: true }",
  },
  resumeLine: orNull(text),
  limits: group(limitChecks),
  bargeIn: group(bargeInChecks),
  userSilentAfterMs: orNull(duration()),
  budget: group(budgetChecks),
  tools: toolsetsCheck,
  allowedTools: texts,
  roles: rolesCheck,
  data: { fits: isObject, expected: "an object of JSON" },
  guards: guardsCheck,
  broadcastMetrics: truth,
  broadcastMetricsIntervalMs: duration(),
  broadcastTranscripts: truth,
};

function isRestoreOptions(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { failed = false, ...others } = value as RestoreOptions;
  return truth.fits(failed) && Object.keys(others).length === 0;
}

/** The time that a join in a call with sound waits for somebody, unless its options say otherwise, in milliseconds. */
export const defaultParticipantWaitMs = 10_000;

const joinChecks: Checks<JoinOptions> = { participantWaitTimeoutMs: orNull(duration()) };

const sayChecks: Checks<SayOptions> = { interrupt: truth, interruptible: truth };

/** Fills in the defaults. Throws a `TypeError` that names an option which is missing, does not exist or cannot be. */
export function fillAgentOptions(given: AgentOptions): FilledAgentOptions {
  const filled = fillWith("new Agent", given, checks, defaults);
  for (const name of required) {
    if (given[name] === undefined) throw new TypeError(`new Agent: ${name} is missing`);
  }
  if (isRealtime(given.llm) && given.stt !== undefined)
    throw new TypeError("new Agent: stt: a speech-to-speech model hears by itself");
  checkRoles(given.roles ?? {}, given.llm);
  checkGuards(given.guards ?? []);
  const roles = withoutUndefined(given.roles ?? {});
  checkTaken({ ...given, roles });
  return {
    ...filled,
    roles,
    restore: {
      kept: filled.restore !== false,
      failed: typeof filled.restore === "object" && filled.restore.failed === true,
    },
    limits: fillWith("new Agent", given.limits ?? {}, limitChecks, defaultAgentLimits),
    bargeIn: fillWith("new Agent", given.bargeIn ?? {}, bargeInChecks, defaultBargeIn),
    budget: fillWith("new Agent", given.budget ?? {}, budgetChecks, defaultBudget),
  };
}

/** Returns the roles without their options that are `undefined`: those are the agent's, as if they were left out. */
function withoutUndefined(roles: Readonly<Record<string, AgentRole>>): Record<string, AgentRole> {
  const given = (role: AgentRole) => Object.entries(role).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    Object.entries(roles).map(([name, role]) => [name, Object.fromEntries(given(role))]),
  );
}

/** Throws a `TypeError` that names an option which does not exist or cannot be. */
export function checkSayOptions(given: SayOptions): void {
  checkOptions("agent.say", given, sayChecks);
}

/** Throws a `TypeError` that names an option which does not exist or cannot be. */
export function checkJoinOptions(given: JoinOptions): void {
  checkOptions("agent.join", given, joinChecks);
}

/** Returns the options of an agent on a stage, which keeps its own ears and voice, where it has any. */
export function staged(options: FilledAgentOptions, { edge, stt, tts }: Stage): FilledAgentOptions {
  if (isRealtime(options.llm)) return { ...options, edge };
  return { ...options, edge, stt: options.stt ?? stt(), tts: options.tts ?? tts() };
}
