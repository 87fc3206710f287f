/** A request that is not answered with sound. */
export interface Refusal {
  readonly status: number;
  readonly body: unknown;
}

/** ElevenLabs' answer for each status, as far as it is known. The wording is approximate, codes and shapes are not. */
const usual: Readonly<Record<number, readonly [type: string, code: string, message: string]>> = {
  400: ["validation_error", "bad_request", "The request is invalid."],
  401: ["authentication_error", "invalid_api_key", "Invalid API key"],
  402: ["payment_required", "insufficient_credits", "You do not have enough credits for this request."],
  403: ["authorization_error", "forbidden", "You do not have access to this resource."],
  404: ["not_found", "not_found", "The requested resource was not found."],
  429: [
    "rate_limit_error",
    "system_busy",
    "Our services are experiencing high traffic. Please try again in a moment.",
  ],
  500: ["internal_error", "internal_error", "An internal error occurred."],
  503: ["internal_error", "service_unavailable", "The service is temporarily unavailable."],
};

/** Codes whose name changed; answers carry the older one as `status` (elevenlabs.io/docs/eleven-api/resources/errors). */
const renamed: Readonly<Record<string, string>> = {
  too_many_concurrent_requests: "concurrent_limit_exceeded",
};

export function refuse(status: number, code?: string, message?: string): Refusal {
  const [type, usualCode, usualMessage] = usual[status] ?? usual[status < 500 ? 400 : 500]!;
  const word = code ?? usualCode;
  return {
    status,
    body: {
      detail: { type, code: renamed[word] ?? word, message: message ?? usualMessage, status: word },
    },
  };
}

/** Returns the same refusal with the id of the request where the body has a place for it. */
export function withRequestId({ status, body }: Refusal, requestId: string): Refusal {
  const { detail } = body as { readonly detail?: unknown };
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return { status, body };
  return { status, body: { detail: { ...detail, request_id: requestId } } };
}

/** A field of the request that does not fit, as the framework of the service tells it. */
export interface FieldError {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input?: unknown;
}

export function refuseFields(detail: readonly FieldError[]): Refusal {
  return { status: 422, body: { detail } };
}
