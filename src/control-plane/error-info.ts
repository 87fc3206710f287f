import { z } from "zod";
import type { PlainError } from "../errors.ts";
import { component } from "./components.ts";

/** An error as clients read it: without its stack, which is for the log. */
export interface ErrorInfo {
  name: string;
  message: string;
  cause?: ErrorInfo | undefined;
  errors?: ErrorInfo[] | undefined;
}

export const errorInfo: z.ZodType<ErrorInfo> = component(
  "ErrorInfo",
  z.object({
    name: z.string(),
    message: z.string(),
    cause: z.lazy(() => errorInfo.optional()).describe("The error that led to this one."),
    errors: z.lazy(() => z.array(errorInfo).optional()).describe("The errors that an AggregateError holds."),
  }),
  "An error of the agent's code or of a service. Its causes come with it, up to 6 of them.",
);

/** An error without its stack, which is for the log. */
export function errorJson({ name, message, cause, errors }: PlainError): ErrorInfo {
  return {
    name,
    message,
    ...(cause === undefined ? {} : { cause: errorJson(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(errorJson) }),
  };
}
