import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";

/** A request that a vendor refused or failed to answer, that did not reach it, or that its provider did not send. */
export class AiSdkError extends Error {
  override readonly name = "AiSdkError";
  /** The HTTP status; undefined where there was no response. */
  readonly status: number | undefined;
  /** The vendor's name of the error, such as `rate_limit_exceeded`, or the system's code, such as `ECONNREFUSED`. */
  readonly code: string;
  /** The wait that the vendor asks for before another attempt, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /** Says whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;

  constructor(
    message: string,
    facts: {
      readonly status?: number | undefined;
      readonly code: string;
      readonly retryDelayMs?: number | undefined;
      readonly retryable?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.retryDelayMs = facts.retryDelayMs;
    this.retryable = facts.retryable ?? false;
  }
}

/** The rules of the model or of its vendor forbid the question, or the answer. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly code = "REFUSED";
  /** The vendor's reason, such as `content_filter`, `SAFETY` or `refusal`. */
  readonly reason: string;

  constructor(vendor: string, reason: string) {
    super(`${vendor} refused to answer: ${reason}`);
    this.reason = reason;
  }
}

export type Failure = AiSdkError | RefusalError | BadAnswerError;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns an error of a model as one that contains neither keys nor words of the conversation: the AI SDK's own holds the whole
 * request. It is known by its fields, since each package has its own copy of the classes.
 */
export function asFailure(error: unknown, vendor: string): Failure {
  if (error instanceof AiSdkError || error instanceof RefusalError || error instanceof BadAnswerError) {
    return error;
  }
  if (typeof error === "string") return streamedFailure(jsonObject(error), error, vendor);
  if (typeof error !== "object" || error === null) return unreadable(vendor, "no error");
  const fields = error as Fields;
  if (typeof fields.statusCode === "number" && fields.statusCode >= 400) return apiFailure(fields, vendor);
  const network = systemError(error);
  if (network !== null) return network(vendor);
  if (!(error instanceof Error)) return streamedFailure(fields, "", vendor);
  const streamed = streamedError(fields.value);
  if (streamed !== null) return streamedFailure(streamed, "", vendor);
  return refusedRequest(error, vendor) ?? unreadable(vendor, error.name);
}

/** Returns whether the same request may succeed when it is sent again. */
export function isPassing(failure: Failure): boolean {
  if (failure instanceof RefusalError) return false;
  return failure instanceof AiSdkError ? failure.retryable : failure.code !== "MAX_TOKENS";
}

/** Returns the error that a package found in a stream without knowing it for one; null where it is another value. */
function streamedError(value: unknown): Fields | null {
  if (typeof value !== "object" || value === null) return null;
  const { object, type, error } = value as Fields;
  return object === "error" || type === "error" || typeof error === "object" ? (value as Fields) : null;
}

/** Makes an error of the AI SDK's error for a response with an error status. */
function apiFailure(fields: Fields, vendor: string): Failure {
  const { statusCode, responseBody, responseHeaders, isRetryable } = fields;
  const status = statusCode as number;
  const body = typeof responseBody === "string" ? responseBody : JSON.stringify(fields.data ?? {});
  const told = toldIn(jsonObject(body), body);
  if (isRefusal(told.code)) return new RefusalError(vendor, told.code ?? "content_filter");
  const headers = (responseHeaders ?? {}) as Readonly<Record<string, string | undefined>>;
  return failureOf(vendor, {
    ...told,
    status,
    retryDelayMs: asksToWait(headers) ?? told.retryDelayMs,
    retryable: isPassingStatus(status) || isRetryable === true,
  });
}

/** Makes an error of one that stands within a stream which began with status 200. */
function streamedFailure(fields: Fields, text: string, vendor: string): Failure {
  const told = toldIn(fields, text);
  if (told.code === undefined && told.said === "") return unreadable(vendor, "no reason");
  if (isRefusal(told.code)) return new RefusalError(vendor, told.code ?? "content_filter");
  const status = told.status ?? statuses.find(([codes]) => codes.test(told.code ?? ""))?.[1] ?? 500;
  return failureOf(vendor, { ...told, status, retryable: isPassingStatus(status) });
}

/** The statuses of errors that are told by their name alone (docs.anthropic.com/en/api/errors, platform.openai.com/docs). */
const statuses: readonly (readonly [codes: RegExp, status: number])[] = [
  [/overloaded/, 529],
  [/rate_limit|insufficient_quota|RESOURCE_EXHAUSTED/, 429],
  [/authentication/, 401],
  [/permission/i, 403],
  [/not_found/i, 404],
  [/too_large/, 413],
  [/invalid_|context_length/i, 400],
];

interface Told {
  readonly said: string;
  readonly code: string | undefined;
  readonly status?: number | undefined;
  readonly retryDelayMs?: number | undefined;
}

/** Reads what an error's body says, in the forms of OpenAI, Anthropic, Google, Mistral, and of those who follow them. */
function toldIn(body: Fields, text: string): Told {
  const { error } = body;
  const inner = (typeof error === "object" && error !== null ? error : body) as Fields;
  const { message, detail, code, type, status, details } = inner;
  const named = [code, status, type].find(
    (value): value is string =>
      typeof value === "string" && /^[A-Za-z][\w.-]{1,63}$/.test(value) && value !== "error",
  );
  return {
    said: withoutKeys(
      errorText(textOrNone(message) ?? textOrNone(detail) ?? reasonIn(text), { longest: 500 }),
    ),
    code: named,
    status: [code, status].find(
      (value): value is number => typeof value === "number" && value >= 400 && value < 600,
    ),
    retryDelayMs: googleDelay(details),
  };
}

function failureOf(
  vendor: string,
  {
    said,
    code,
    status,
    retryDelayMs,
    retryable,
  }: Told & { readonly status: number; readonly retryable: boolean },
): AiSdkError {
  const named = code ?? `HTTP_${status}`;
  return new AiSdkError(`${vendor} answered ${status} ${named}${said === "" ? "" : `: ${said}`}`, {
    status,
    code: named,
    retryDelayMs,
    // A moment later there are no more credits than now.
    retryable:
      retryable && !/quota|credit|billing/i.test(named) && !/PerDay|credits? (is|are|has|have)/i.test(said),
  });
}

/** Returns what makes the error of a request that did not reach the vendor, or whose response broke off. */
function systemError(error: object): ((vendor: string) => AiSdkError) | null {
  let cause: unknown = error;
  for (let depth = 0; depth < 5 && typeof cause === "object" && cause !== null; depth++) {
    const { code, message, cause: next } = cause as Fields;
    if (
      typeof code === "string" &&
      /^(E[A-Z0-9_]+|UND_ERR_\w+|ERR_(TLS|SSL)\w+|CERT_\w+|[A-Z_]*CERT[A-Z_]*)$/.test(code)
    ) {
      const found = cause;
      return (vendor) =>
        new AiSdkError(`${vendor} cannot be reached: ${withoutKeys(errorText(String(message || code)))}`, {
          code,
          // Errors of the network pass, but not those of TLS, such as a wrong certificate.
          retryable: /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EHOST|ENET|UND_ERR_)/.test(code),
          cause: found,
        });
    }
    cause = next;
  }
  return null;
}

/** The errors of the AI SDK whose messages name what is wrong, and quote no words of the conversation. */
const named = /^AI_(LoadAPIKey|LoadSetting|UnsupportedFunctionality|NoSuchModel)Error$/;

/** Returns the error of a request that the provider did not send; undefined for another error. */
function refusedRequest(error: Error, vendor: string): AiSdkError | undefined {
  const { name, message } = error;
  const isOfRequest = named.test(name) || /^AI_Invalid(Prompt|Argument)Error$/.test(name);
  if (!isOfRequest) return undefined;
  const said = named.test(name) ? withoutKeys(errorText(message)) : name;
  return new AiSdkError(`The request to ${vendor} was refused before it was sent: ${said}`, {
    code: name === "AI_LoadAPIKeyError" ? "NO_KEY" : "INVALID_REQUEST",
  });
}

/** Messages of parsers quote the answer, so they are not passed on. */
function unreadable(vendor: string, name: string): BadAnswerError {
  return new BadAnswerError(
    "UNREADABLE",
    `The answer of ${vendor} broke off, or could not be read (${errorText(name, { longest: 60 })})`,
  );
}

const isRefusal = (code: string | undefined): boolean =>
  code !== undefined && /content_filter|content_policy|moderation|^refusal$/.test(code);

/** Reads the pause that the headers ask for, in milliseconds. Only OpenAI and those who follow it tell it so exactly. */
function asksToWait(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const exact = headers["retry-after-ms"];
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  return retryAfter(headers["retry-after"]) ?? undefined;
}

/** Reads the pause that Google asks for in the body, such as `7s`, in milliseconds. */
function googleDelay(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  const delay = details
    .map((entry) => (entry as Fields | null)?.retryDelay)
    .find((one) => typeof one === "string");
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}

/** Replaces keys. The packages know them, not Greenroom, so they are found by their look. */
function withoutKeys(text: string): string {
  return text.replaceAll(/\b(?:sk|pk|gsk|xai|key)-[\w*.-]{6,}|AIza[\w-]{10,}|(?<=Bearer )\S+/g, "[key]");
}
