/** An error as the Gemini API answers it. */
export class ApiFault extends Error {
  readonly status: number;
  readonly #details: readonly object[];

  constructor(
    status: number,
    message: string = messages[status] ?? "Something went wrong.",
    details: readonly object[] = [],
  ) {
    super(message);
    this.status = status;
    this.#details = details;
  }

  get body(): object {
    return {
      error: {
        code: this.status,
        message: this.message,
        status: names[this.status] ?? "UNKNOWN",
        ...(this.#details.length > 0 ? { details: this.#details } : {}),
      },
    };
  }
}

export interface FieldViolation {
  /** The place in the request; none for a body that cannot be read at all. */
  readonly field?: string;
  readonly description: string;
}

/** The answer to a body that does not fit the API, with every place in it that does not. */
export function badRequest(fieldViolations: readonly FieldViolation[]): ApiFault {
  const message = fieldViolations.map(({ description }) => description).join("\n");
  return new ApiFault(400, message, [
    { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations },
  ]);
}

export function badKey(): ApiFault {
  return new ApiFault(400, "API key not valid. Please pass a valid API key.", [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "API_KEY_INVALID",
      domain: "googleapis.com",
      metadata: { service: "generativelanguage.googleapis.com" },
    },
    {
      "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
      locale: "en-US",
      message: "API key not valid. Please pass a valid API key.",
    },
  ]);
}

export function retryInfo(retryDelay: string): object {
  return { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay };
}

const names: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

const messages: Readonly<Record<number, string>> = {
  400: "Request contains an invalid argument.",
  403: "The caller does not have permission",
  429: "You exceeded your current quota, please check your plan and billing details.",
  500: "An internal error has occurred. Please retry or report it.",
  503: "The model is overloaded. Please try again later.",
  504: "The service is unable to finish processing within the deadline.",
};
