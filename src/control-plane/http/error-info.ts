import { z } from "zod";
import type { ErrorInfo } from "../../supervisor/wire/error-json.ts";
import { component } from "../documents/components.ts";

export const errorInfo: z.ZodType<ErrorInfo> = component(
  "ErrorInfo",
  z.object({
    name: z.string(),
    message: z
      .string()
      .describe(
        "The thrown text; for a request with a session_token the code or the name stands in its place.",
      ),
    code: z.string().optional().describe("The error's own code, where it has one."),
    cause: z.lazy(() => errorInfo.optional()).describe("The error that led to this one."),
    errors: z.lazy(() => z.array(errorInfo).optional()).describe("The errors that an AggregateError holds."),
  }),
  "An error of the agent's code or of a service. Its causes come with it, up to 6 of them.",
);
