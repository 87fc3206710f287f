import { z } from "zod";
import { endReasonNames } from "../../shared/end-reasons.ts";
import { type JsonObject, liveStates } from "../../shared/protocol.ts";
import { type SessionMetricName, sessionMetricFields } from "../../shared/session/session-metric-fields.ts";
import { errorInfo } from "../http/error-info.ts";
import { component } from "./components.ts";

/**
 * A text of 1 to 255 characters that may be a segment of a path, here and at the call's edge: no control characters, no
 * slash, and not the `.` and `..` that lead to another path, however they are encoded.
 */
const pathSegment = z
  .string()
  .min(1)
  .max(255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is its purpose
  .regex(/^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f/]*$/, {
    error: "String should have no control characters and no slash, and not be . or ..",
  })
  .refine((text) => text.isWellFormed(), { error: "String should be well-formed Unicode" });

const callId = pathSegment.meta({
  description:
    "The call that the agent is put into. 1 to 255 characters, no control characters, no slash; not . or ..",
  example: "first-call",
});

const callType = pathSegment.default("default").describe("The type of the call.");

const config = z
  .custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), {
    error: "Input should be a valid dictionary",
  })
  .default({})
  .meta({
    type: "object",
    additionalProperties: true,
    description: "Handed to the agent's code as it is.",
    example: {},
  });

export const instant = (description: string) => z.iso.datetime().describe(`${description} ISO 8601, UTC.`);
const anyJson = (description: string) => z.unknown().describe(description);

export const startRequest = component(
  "StartSessionRequest",
  z.object({ call_id: callId, call_type: callType, config }),
  "Puts an agent into a call.",
);
export const startInCallRequest = component(
  "StartSessionInCallRequest",
  z.object({ call_type: callType, config }),
  "Puts an agent into the call of the path.",
);
export const callPath = z.object({ call_id: callId });

export const sessionStates = [...liveStates, "ended"] as const;
const state = z.enum(liveStates).describe("The state of the session.");

const identity = {
  session_id: z.string(),
  call_id: z.string(),
  call_type: z.string(),
  config: z.record(z.string(), z.unknown()).describe("The `config` of the start."),
  session_started_at: instant("When the session began."),
  state: z.enum(sessionStates).describe("The state of the session."),
};

export const startedSession = component(
  "StartedSession",
  z.object({
    ...identity,
    session_token: z
      .string()
      .nullable()
      .describe(
        "For browsers: as ?token= it allows viewing, events, messages and closing of this session. Null where tokens are turned off.",
      ),
  }),
  "The agent is created; it joins the call.",
);

export const session = component(
  "Session",
  z.object({
    ...identity,
    config: identity.config
      .nullable()
      .describe(
        "The `config` of the start. Null where it is asked for with a session_token, or config=false.",
      ),
    created_by: anyJson(
      "Who started it: any JSON value that the server's getCurrentUser returned, or null. Null where it is asked for with a session_token.",
    ),
    resources: z
      .object({
        cpu_ms: z.number().describe("The CPU time of its thread, in milliseconds."),
        heap_bytes: z.number().describe("The JavaScript heap of its thread, in bytes."),
        external_bytes: z
          .number()
          .describe("The buffers, wasm memory and worker threads of its thread, in bytes."),
        event_loop_utilization: z
          .number()
          .describe("The share of the last second that its thread was busy, 0 to 1."),
      })
      .nullable()
      .describe("The resources that its thread uses, measured from outside. Null until the first reading."),
    last_latency: z
      .object({
        response_ms: z
          .number()
          .nullable()
          .describe(
            "From a participant's last sound to the first sound of the answer, in milliseconds. Null where none was spoken.",
          ),
        first_token_ms: z
          .number()
          .nullable()
          .describe(
            "From the request to the model to its first text, in milliseconds. Null before the first one.",
          ),
      })
      .describe("Of the last turn that had it."),
    role: z
      .string()
      .nullable()
      .describe("The role that the agent has, one of its `roles`. Null: that of its own options."),
    resumes: z
      .number()
      .int()
      .describe(
        "The number of times that its thread or its replica has ended, and another one has taken up its call.",
      ),
    node_id: z
      .string()
      .nullable()
      .describe("The name of the replica in which it is. Null for the bearer of a session token."),
  }),
  "A session.",
);

export const sessionList = component(
  "SessionList",
  z.object({
    sessions: z.array(session),
    next_cursor: z
      .string()
      .nullable()
      .describe("The place where the next page begins; null on the last one."),
  }),
  "Live sessions, by age.",
);

export const closing = component(
  "Closing",
  z.object({ status: z.literal("closing") }),
  "Closing has begun; with ?wait=true, the session has ended.",
);
export const callClosing = component(
  "CallClosing",
  z.object({
    status: z.literal("closing"),
    session_ids: z.array(z.string()).describe("The sessions that close."),
  }),
  "Closing of the sessions of a call has begun; with ?wait=true, they have ended.",
);
const closeQuery = z.enum(["true", "false", "True", "False", "1", "0", ""]);
/** Returns whether `?wait` is true, 1 or empty. */
export const isYes = (value: z.output<typeof closeQuery> | undefined): boolean =>
  ["true", "True", "1", ""].includes(value ?? "false");
export const closeParameters = z.object({
  wait: closeQuery
    .optional()
    .describe("true: answer when the session has ended, not when closing has begun."),
});
const notAnInteger = "Input should be a valid integer";
export const listParameters = z.object({
  call_id: z.string().optional().describe("Only sessions of this call."),
  state: state.optional(),
  limit: z.coerce
    .number<string>({ error: notAnInteger })
    .int({ error: notAnInteger })
    .min(1)
    .max(1_000)
    .default(100)
    .describe("The most sessions on a page."),
  order: z.enum(["oldest", "newest"]).default("oldest").describe("The sessions that come first."),
  cursor: z.string().optional().describe("The next_cursor of the page before, in the same order."),
  config: z.enum(["true", "false"]).optional().describe("false: without the config of each session."),
});
export const eventParameters = z.object({
  last_event_id: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .describe("As the header Last-Event-ID, which counts more: the events after this one are sent again."),
});

export const messageRequest = component(
  "MessageRequest",
  z.object({
    text: z
      .string()
      .max(8_192)
      .regex(/\S/, { error: "String should have at least one character that is not white space" })
      .describe("The text that the participant says, 1 to 8,192 characters."),
  }),
  "A turn of a text participant.",
);
export const acceptedMessage = component(
  "AcceptedMessage",
  z.object({ message_id: z.string().describe("It appears again in the transcript events of this turn.") }),
  "The message is on its way to the agent.",
);

const metricValues = Object.fromEntries(
  Object.entries(sessionMetricFields).map(([name, help]) => [
    name,
    z.number().nullable().describe(String(help)),
  ]),
) as Record<SessionMetricName, z.ZodNullable<z.ZodNumber>>;

export const metrics = z.object(metricValues).describe("Averages without data are null.");

export const sessionMetrics = component(
  "SessionMetrics",
  z.object({
    session_id: z.string(),
    call_id: z.string(),
    session_started_at: instant("When the session began."),
    metrics_generated_at: instant("When these figures were taken."),
    metrics,
  }),
  "What was measured in a session, with the names of Vision Agents.",
);

const code = z.string().describe("The error code, for programs.");
export const problem = component("Error", z.object({ detail: z.unknown(), code }), "Any error.");

export const validationProblem = component(
  "ValidationError",
  z.object({
    detail: z.union([
      z.string(),
      z.array(
        z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() }),
      ),
    ]),
    code,
  }),
  "The request is not valid; detail says where.",
);

export const sessionProblem = component(
  "SessionNotFound",
  z.object({
    detail: z.string(),
    code,
    end_reason: z
      .enum(endReasonNames)
      .optional()
      .describe("The reason of its end. Given for 10 minutes after the end."),
    session_ended_at: instant("When it ended.").optional(),
    error: errorInfo.nullable().optional().describe("The error that ended it, where there was one."),
  }),
  "There is no such live session, or the caller may not view it.",
);

export const callProblem = component(
  "CallNotClosed",
  z.object({
    detail: z.string(),
    code,
    session_ids: z
      .array(z.string())
      .optional()
      .describe("The sessions that close, where others may be left."),
  }),
  "Not all sessions of this call could be asked to close.",
);

export const probe = component("Probe", z.object({ status: z.literal("ok") }), "Yes.");
