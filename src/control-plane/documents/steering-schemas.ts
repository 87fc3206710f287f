/* The bodies and answers of those requests by which a backend has an agent do something in its call. */
import { z } from "zod";
import { component } from "./components.ts";

const words = z
  .string()
  .max(8_192)
  .regex(/\S/, { error: "String should have at least one character that is not white space" })
  .refine((text) => text.isWellFormed(), { error: "String should be well-formed Unicode" });

export const sayRequest = component(
  "SayRequest",
  // The objects are strict: a misspelt option would be left out without a word.
  z.strictObject({
    text: words.describe("The words, as they are to be said: 1 to 8,192 characters."),
    interrupt: z
      .boolean()
      .default(false)
      .describe("Cuts short what the agent is saying. Default: the words wait for their turn."),
    interruptible: z.boolean().default(true).describe("Lets participants cut these words short."),
  }),
  "Words for the agent to say.",
);

export const respondRequest = component(
  "RespondRequest",
  z.strictObject({
    instruction: words.describe(
      "The instruction of the moment that the model answers, such as: Tell the caller that their order has left. 1 to 8,192 characters.",
    ),
  }),
  "An instruction that the agent answers aloud.",
);

export const addedTurn = component(
  "AddedTurn",
  z.object({
    turn_id: z.string().describe("The turn of these words. Its transcript and turn events have this id."),
  }),
  "The words wait for their turn.",
);

export const interruptedTurn = component(
  "InterruptedTurn",
  z.object({
    turn_id: z
      .string()
      .nullable()
      .describe("The turn that was cut short; null where the agent was saying nothing."),
  }),
  "The agent is silent.",
);

/** The most characters of instructions: the body that holds them may have 64 KiB. */
const longestInstructions = 32_768;

export const sessionChange = component(
  "SessionChange",
  z
    .strictObject({
      role: z
        .string()
        .min(1)
        .max(256)
        .nullable()
        .optional()
        .describe("The role that the agent takes on, one of its `roles`; null: that of its own options."),
      instructions: z
        .string()
        .max(longestInstructions)
        .refine((text) => text.isWellFormed(), { error: "String should be well-formed Unicode" })
        .optional()
        .describe(
          "The standing instructions that the model follows from its next request on, until the agent changes its role. At most 32,768 characters.",
        ),
    })
    .refine(({ role, instructions }) => role !== undefined || instructions !== undefined, {
      error: "There should be a role or instructions",
    }),
  "Something that is to change about an agent in its call.",
);
