import { z } from "zod";
import { endReasonNames } from "../../shared/end-reasons.ts";
import { component } from "../documents/components.ts";
import { instant, metrics, sessionStates } from "../documents/schemas.ts";
import { errorInfo } from "../http/error-info.ts";

/** The schemas of the `data` of a session's events. */

const at = instant("When it happened.");
const turnId = z.string().describe("The same in all events of one turn.");
const ms = (description: string) => z.number().describe(`${description} In milliseconds.`);

const latency = component(
  "ResponseLatency",
  z.object({
    response_ms: ms(
      "From the last sound of the participant's speech to the first frame of the answer that was sent.",
    ),
    end_of_turn_ms: ms("From the last sound of speech until the turn was known to be over.").optional(),
    first_token_ms: ms("From there to the model's first text; 0 where it was there already.").optional(),
    first_sentence_ms: ms("From there to the first whole sentence.").optional(),
    first_byte_ms: ms("From there to the first sound of it.").optional(),
    output_ms: ms("From there to the first frame that was sent.").optional(),
  }),
  "How long a participant who spoke waited for the answer to sound. The parts follow one another and add up to response_ms; a part that the kind of model does not have is left out.",
);

const state = z.object({ type: z.literal("state"), at, state: z.enum(sessionStates) });

const transcript = z.object({
  type: z.literal("transcript"),
  at,
  role: z.enum(["user", "agent"]),
  turn_id: turnId,
  participant_id: z.string(),
  final: z
    .boolean()
    .describe("True in the last event of these words: text has all of them, as far as they were heard."),
  delta: z.string().optional().describe("The next piece of the agent's words, as it is heard."),
  interim: z
    .string()
    .optional()
    .describe(
      "What was understood so far of what the user is saying, in place of the interim before it; not to be appended. " +
        "Empty where it was no turn after all: no final follows.",
    ),
  text: z.string().optional(),
  backchannel: z
    .boolean()
    .optional()
    .describe(
      'True where these final words of the user, such as "mhm", were said while the agent went on speaking. They are part of the ' +
        "conversation, and are not answered: no turn follows.",
    ),
  message_id: z.string().optional().describe("The id of the typed message that this is."),
});

const turn = z.object({
  type: z.literal("turn"),
  at,
  turn_id: turnId,
  origin: z
    .enum(["participant", "response", "say"])
    .describe("The origin of the turn: a participant, or the agent's own code."),
  outcome: z.enum(["done", "interrupted", "failed"]),
  duration_ms: ms("From the words to the end of the answer."),
  first_token_ms: ms(
    "From the start of the turn to the model's first text; null where there was none.",
  ).nullable(),
  tool_calls: z.number().int(),
  latency: latency.nullable().describe("Null where nobody spoke, or nothing sounded."),
  eager: z.boolean().describe("The answer was begun before the participant had surely finished."),
  error: errorInfo.optional(),
});

const tool = z.object({
  type: z.literal("tool"),
  at,
  turn_id: turnId,
  name: z.string(),
  duration_ms: ms("How long the call took."),
  ok: z.boolean(),
  error: z
    .string()
    .optional()
    .describe(
      "Why it is not ok, without the message: timeout, bad_arguments and the like, or the error's name.",
    ),
});

const participantUnheard = z.object({
  type: z.literal("participant_unheard"),
  at,
  participant_id: z.string(),
  error: errorInfo.describe(
    "What the speech recogniser failed of. It is tried again while the participant is there.",
  ),
});

const participantHeard = z.object({
  type: z.literal("participant_heard"),
  at,
  participant_id: z.string().describe("The participant who could not be heard, and is heard again."),
});

const role = z.object({
  type: z.literal("role"),
  at,
  role: z.string().nullable().describe("The name of the agent's role; null: that of its own options."),
  by: z
    .enum(["code", "tool", "api"])
    .describe("Who had it change its role: its own code, a tool, or a caller of this API."),
});

const blocked = z.object({
  type: z.literal("blocked"),
  at,
  turn_id: z.string(),
  guard: z.string().describe("The name of the agent's guard."),
  stage: z
    .enum(["heard", "say"])
    .describe("What it blocked: the participant's words, or the rest of the answer."),
  reason: z.string().describe("Why; no_verdict where the guard failed or took too long."),
});

const userSilent = z.object({
  type: z.literal("user_silent"),
  at,
  silent_ms: ms("For how long nobody has said anything."),
  times: z
    .number()
    .int()
    .min(1)
    .describe("The number of silences in a row, without a word of a participant in between."),
});

export const sessionEvent = component(
  "SessionEvent",
  z.discriminatedUnion("type", [
    state,
    transcript,
    turn,
    tool,
    userSilent,
    participantUnheard,
    participantHeard,
    role,
    blocked,
    z.object({
      type: z.literal("interrupted"),
      at,
      reason: z.enum(endReasonNames).describe("The reason for which its thread has ended."),
      error: errorInfo.nullable().describe("The error of its thread; null where that was no error."),
    }),
    z.object({
      type: z.literal("resumed"),
      at,
      times: z
        .number()
        .int()
        .min(1)
        .describe("The number of times that the session was resumed, this one included."),
    }),
    z.object({ type: z.literal("metrics"), at, metrics }),
    z.object({
      type: z.literal("end"),
      at,
      reason: z.enum(endReasonNames),
      error: errorInfo.nullable().describe("The error that ended the session; null where there was none."),
    }),
  ]),
  "The data of an event. Its type is that of the event; the last one of a session is end.",
);

export const gapEvent = component(
  "GapEvent",
  z.object({
    type: z.literal("gap"),
    last_event_id: z.number().int().describe("The events after this one are kept no more,"),
    next_event_id: z.number().int().describe("up to this one."),
  }),
  "The data of an event gap: what the reader missed cannot be sent again.",
);

export const streamed = component(
  "StreamedEvent",
  z.union([sessionEvent, gapEvent]),
  "The data of one server-sent event, in JSON.",
);
