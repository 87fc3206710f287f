import { z } from "zod";
import type { ConsoleOptions, RunnerOptions } from "../api/runner-options.ts";
import type { ServeOptions } from "../api/serve-options.ts";
import { choiceVariables } from "../shared/providers/service-choice.ts";
import type { OptionTable, RowsOf } from "./option.ts";
import { durationOrZero, logLevel } from "./values.ts";

/** The options of a shutdown. */
export const drainTable = {
  drainAnnounceMs: {
    doc:
      "The time after SIGTERM for which starts are still accepted while `/ready` and `/serving` tell balancers to look " +
      "elsewhere, in milliseconds. Raise it to what your balancer needs to notice; 0 where there is none. On loopback it " +
      "is 0 while there is no call, unless it is given.",
    schema: durationOrZero.default(5_000),
    outside: {
      group: "Server",
      placeholder: "ms",
      help: "On SIGTERM, go on accepting for this long while balancers learn of it",
    },
  },
  drainTimeoutMs: {
    doc:
      "Then, how long running calls may go on before they are closed as `drained`, in milliseconds. Together with the " +
      "announcement (5 s) and the grace of a close (5 s) the default leaves 5 s of the 30 s that Kubernetes waits by " +
      "default; the last webhooks may take 10 s, and a last scrape of metrics with a port of their own 20 s more. Raise " +
      "it, and `terminationGracePeriodSeconds` with it, where calls should be heard to their end.",
    schema: durationOrZero.default(15_000),
    outside: {
      group: "Server",
      placeholder: "ms",
      help: "Then let running calls finish for this long at the most",
    },
  },
} as const satisfies RowsOf<Omit<RunnerOptions, keyof ServeOptions>>;

/** The options of a conversation in the terminal. */
export const consoleTable = {
  callType: {
    doc: "The type of the call.",
    schema: z.string().default("default"),
    outside: { group: "Conversation", placeholder: "type", help: "Type of the call" },
  },
  callId: {
    doc: "The id of the call.",
    schema: z.string().optional(),
    derived: "made up",
    outside: { group: "Conversation", placeholder: "id", help: "Id of the call" },
  },
  join: {
    doc:
      "A person joins the call: the address where they do is printed, wherever the output goes, and the call goes on until " +
      "it ends, though nothing is typed. Otherwise the address is a hint, where somebody sits there and the agent's edge " +
      "makes one.",
    schema: z.boolean().default(false),
    outside: {
      group: "Conversation",
      help: "A person joins the call: print the link, which holds a token, and stay until the call ends",
    },
  },
  hints: {
    doc: "Says how to talk, and what else can be typed, where somebody sits there.",
    schema: z.boolean().default(true),
  },
  splash: {
    doc: "Begins the conversation with the name and the version, where the output is a terminal.",
    schema: z.boolean().default(true),
  },
  wav: {
    doc: "The caller's speech: a WAV file of 16-bit PCM. It takes the place of the keyboard.",
    schema: z.string().optional(),
    derived: "none",
    outside: {
      group: "Conversation",
      placeholder: "file",
      help: "A recording is the caller, in place of the keyboard",
    },
  },
  out: {
    doc: "The path to write the conversation with a recording to, as a stereo WAV file: the caller left, the agent right.",
    schema: z.string().optional(),
    derived: "none",
    outside: {
      group: "Conversation",
      placeholder: "file",
      help: "Where --wav writes the conversation: WAV, the caller left, the agent right",
    },
  },
  speed: {
    doc: "The number of times that a call with a recording runs faster than life, 1 to 100. Services over a network need 1.",
    schema: z.int().min(1).max(100).default(1),
    outside: {
      group: "Conversation",
      placeholder: "number",
      help:
        "How many times faster than life --wav calls, 1 to 100. Models and voices do not hurry: where they cannot keep up, " +
        "speech has holes, which is told",
    },
  },
  logLevel: {
    doc: "The least level of the log lines, as JSON on standard error.",
    type: "LogLevel",
    schema: logLevel.optional(),
    derived: "from `warn` on, in words, and only what the conversation does not show",
    outside: {
      group: "Conversation",
      placeholder: "level",
      help: "Least level of log lines, as JSON",
      derived: "warn, in words",
    },
  },
} as const satisfies RowsOf<ConsoleOptions>;

/** The options of `run` that are flags alone. */
export const runFlags = {
  noDemo: {
    doc: "Prints no hints beside the conversation, and no link into the call.",
    schema: z.boolean().default(false),
    outside: {
      group: "Conversation",
      help: "Print no hints beside the conversation, and no link into the call",
    },
  },
} as const satisfies OptionTable;

/** The options of both commands that are flags alone. */
export const commonFlags = {
  debug: {
    doc: "Logs everything, and shows the stacks of errors.",
    schema: z.boolean().default(false),
    outside: { group: "Common", help: "Log everything, and show the stacks of errors" },
  },
  noSplash: {
    doc: "Begins without the splash.",
    schema: z.boolean().default(false),
    outside: { group: "Common", help: "Begin without the splash" },
  },
} as const satisfies OptionTable;

/** The options of `serve` that are flags alone. */
export const serveFlags = {
  requirePeers: {
    doc: "Demands what a fleet needs, a Redis, a peer secret and an advertised address, and waits for Redis to answer.",
    schema: z.boolean().default(false),
    outside: {
      group: "Fleet",
      help: "Do not start without what a fleet needs: a Redis, a peer secret and an advertised address",
    },
  },
} as const satisfies OptionTable;

/** A variable of the environment that stands for no option. */
interface VariableRow {
  readonly help: string;
  /** A value for `.env.example`. */
  readonly example: string;
  /** True where its value is a secret itself; false where it names where to find some. */
  readonly isSecret: boolean;
}

/** The variables that choose the services of the built-in agent. */
const choices = {
  GREENROOM_LLM: { ...choiceVariables.llm, isSecret: false },
  GREENROOM_STT: { ...choiceVariables.stt, isSecret: false },
  GREENROOM_TTS: { ...choiceVariables.tts, isSecret: false },
} as const satisfies Readonly<Record<string, VariableRow>>;

/** The variables that stand for no option, and that the server reads elsewhere. */
export const variables = {
  ...choices,
  GREENROOM_API_KEYS: {
    help: "Keys of callers, each name:key, with commas",
    example: "backend:use-a-long-random-key,console:and-another-one-here",
    isSecret: true,
  },
  GREENROOM_API_KEYS_FILE: {
    help: "A file with such a key a line",
    example: "/run/secrets/greenroom-api-keys",
    isSecret: false,
  },
  GREENROOM_SECRETS_DIR: {
    help: "A folder with a file a variable, such as a mounted Secret",
    example: "/run/secrets/greenroom",
    isSecret: false,
  },
} as const satisfies Readonly<Record<string, VariableRow>>;
