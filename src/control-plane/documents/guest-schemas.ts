/* The bodies and answers of those requests by which somebody comes into a call. */
import { z } from "zod";
import { component } from "./components.ts";
import { instant } from "./schemas.ts";

const userId = /^[\w@-]{1,255}$/;
/** Returns whether a text is letters, digits, `_`, `@` and `-`, which every edge accepts. */
export const isUserId = (text: string): boolean => userId.test(text);
export const joinTokenRequest = component(
  "JoinTokenRequest",
  // The object is strict: without that, a misspelt user_id would make everybody the user of the caller's key.
  z.strictObject({
    user_id: z
      .string()
      .regex(userId, { error: "String should be 1 to 255 letters, digits, _, @ and -" })
      .optional()
      .describe(
        "Who is to join: not the agent. Default: derived from the caller, always the same; where callers are not known, a new guest.",
      ),
    user_name: z
      .string()
      .min(1)
      .max(255)
      .refine((text) => text.isWellFormed(), { error: "String should be well-formed Unicode" })
      .optional()
      .describe("The name that the others see. Default: the user_id; Guest for a new one."),
    expires_in_seconds: z
      .int()
      .min(60)
      .max(86_400)
      .default(3_600)
      .describe(
        "The time for which the token is valid, in seconds. A client whose call lasts longer asks for another.",
      ),
  }),
  "Who is to join the call.",
);
const guestFields = {
  user_id: joinTokenRequest.shape.user_id,
  user_name: joinTokenRequest.shape.user_name,
};
export const offerRequest = component(
  "OfferRequest",
  z.strictObject({
    ...guestFields,
    offer: z
      .record(z.string(), z.unknown())
      .describe("The offer of the client, in the form of the agent's edge, such as an SDP with its type."),
  }),
  "A client that wants to come into the call.",
);
export const offerAnswer = component(
  "OfferAnswer",
  z.object({
    call_type: z.string(),
    call_id: z.string(),
    user_id: z.string().describe("The id of the client in the call."),
    user_name: z.string(),
    answer: z.record(z.string(), z.unknown()).describe("The answer of the agent's edge, in its own form."),
  }),
  "The answer of the agent's edge.",
);
export const mediaParameters = z.object(guestFields);
export const joinToken = component(
  "JoinToken",
  z.looseObject({
    call_type: z.string(),
    call_id: z.string(),
    user_id: z.string(),
    user_name: z.string(),
    token: z.string().describe("The token of this user, for this call. Its bearer is that user."),
    expires_at: instant("When the token ends."),
    api_key: z
      .string()
      .optional()
      .describe("Stream's key, which its clients need beside the token. It is no secret."),
  }),
  "What a client of the agent's edge joins the call with.",
);
