import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import { cutText } from "../../shared/text.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../error-text.ts";
import { StreamedError } from "./event-stream.ts";

/** Gemini refused a request, failed at it, or could not be reached. */
export class GeminiError extends Error {
  override readonly name = "GeminiError";
  /** The HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** Google's name for it, such as `RESOURCE_EXHAUSTED`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string;
  /** Google's finer reason, such as `API_KEY_INVALID`, where it gives one. */
  readonly reason: string | undefined;
  /** The time that Google asks to wait before the next try, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /**
   * True where trying again is of no use, although the status is one of those that pass: a used-up quota of the day.
   */
  readonly lasting: boolean;

  constructor(
    message: string,
    facts: {
      readonly status?: number | undefined;
      readonly code: string;
      readonly reason?: string | undefined;
      readonly retryDelayMs?: number | undefined;
      readonly lasting?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.reason = facts.reason;
    this.retryDelayMs = facts.retryDelayMs;
    this.lasting = facts.lasting ?? false;
  }
}

/** The model may not answer: its safety rules forbid the question, or what it was about to say. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly code = "REFUSED";
  /** Google's reason, such as `SAFETY` or `PROHIBITED_CONTENT`. */
  readonly reason: string;
  /** The part that is forbidden: the question (`prompt`) or the answer. */
  readonly refused: "prompt" | "answer";

  constructor(refused: "prompt" | "answer", reason: string) {
    super(`Gemini refused the ${refused}: ${reason}`);
    this.refused = refused;
    this.reason = reason;
  }
}

type Failure = GeminiError | RefusalError | BadAnswerError;

/**
 * The SDK refused a request before it was sent: it can never succeed. Its message names the parameter that is wrong, and
 * quotes no value.
 */
export function asRefusedRequest(error: unknown, apiKey: string): GeminiError {
  const said = cutText(error instanceof Error ? error.message : String(error), 300);
  return new GeminiError(
    withoutKey(`The SDK of Gemini refused the request before it was sent: ${said}`, apiKey),
    {
      code: "INVALID_REQUEST",
    },
  );
}

/** Returns whether a request failed on the way to Gemini or at Gemini. Otherwise the SDK did not even send it. */
export function wasSent(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return name === "ApiError" || typeof code === "string" || name === "AbortError";
}

/** Returns what the SDK threw as an error that holds no key and none of the words that were said. */
export function asFailure(error: unknown, apiKey: string): Failure {
  if (error instanceof GeminiError || error instanceof RefusalError || error instanceof BadAnswerError)
    return error;
  const { name, status, message, code } = error as Partial<
    Record<"name" | "status" | "message" | "code", unknown>
  >;
  if (name === "ApiError" && typeof status === "number") return apiFailure(status, String(message), apiKey);
  if (typeof code === "string") {
    const text = withoutKey(`Gemini cannot be reached: ${message}`, apiKey);
    return new GeminiError(text, { code, cause: error });
  }
  if (error instanceof StreamedError) return apiFailure(error.status, error.message, apiKey);
  // Messages of the SDK and of the JSON parser may quote the answer, so they are not passed on.
  return new BadAnswerError("UNREADABLE", `The answer of Gemini broke off, or could not be read (${name})`);
}

/** Returns whether the same request may succeed when it is sent again. */
export function isPassing(failure: Failure): boolean {
  if (failure instanceof BadAnswerError) return failure.code !== "MAX_TOKENS";
  if (failure instanceof RefusalError || failure.lasting) return false;
  if (failure.status !== undefined)
    return failure.status === 408 || failure.status === 429 || failure.status >= 500;
  // Of the network: not those of TLS, such as a wrong certificate.
  return /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EHOST|ENET)/.test(failure.code);
}

/** `text` is the body of Google's error answer, with or without words before it. */
function apiFailure(status: number, text: string, apiKey: string): GeminiError {
  const { message, status: code, details } = errorBody(text);
  // Of a gateway's page the SDK makes an error whose status is that of the first line, such as "Bad Gateway".
  const named = typeof code === "string" && /^[A-Z][A-Z_]+$/.test(code) ? code : `HTTP_${status}`;
  const said = errorText(textOrNone(message) ?? reasonIn(text), { longest: 1_000 });
  return new GeminiError(
    withoutKey(`Gemini answered ${status} ${named}${said === "" ? "" : `: ${said}`}`, apiKey),
    {
      status,
      code: named,
      reason: detail(details, "ErrorInfo", "reason"),
      retryDelayMs: milliseconds(detail(details, "RetryInfo", "retryDelay")),
      lasting: isUsedUp(details, said),
    },
  );
}

/** Some gateways, and Google's own for streams, wrap the error in a list. */
function errorBody(text: string): Readonly<Record<string, unknown>> {
  const { error } = jsonObject(text.slice(Math.max(0, text.search(/[[{]/))));
  return typeof error === "object" && error !== null ? { ...error } : {};
}

function detail(details: unknown, type: string, field: string): string | undefined {
  if (!Array.isArray(details)) return undefined;
  const found = details.find((entry) => String(entry?.["@type"]).endsWith(`google.rpc.${type}`));
  return typeof found?.[field] === "string" ? found[field] : undefined;
}

/** A quota of the day, or what was paid in advance: it is not there again a moment later, whatever is said of a delay. */
function isUsedUp(details: unknown, message: string): boolean {
  const failed = Array.isArray(details) ? details.flatMap((entry) => entry?.violations ?? []) : [];
  const ofTheDay = failed.some((violation) => /PerDay/i.test(String(violation?.quotaId)));
  return ofTheDay || /credits? (is|are|has been|have been) (depleted|exhausted|used up)/i.test(message);
}

/** A duration as protobuf writes it in JSON: `7s`, `0.25s`. */
function milliseconds(duration: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}

/** Google quotes the key where it is suspended: "Consumer 'api_key:AIza…' has been suspended". */
function withoutKey(text: string, apiKey: string): string {
  return text.replaceAll(apiKey, "[key]").replaceAll(/AIza[\w-]{10,}/g, "[key]");
}
