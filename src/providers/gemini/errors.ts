import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import { cutText } from "../../shared/text/text.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";
import { StreamedError } from "./event-stream.ts";

/** A request that Gemini refused or failed to answer, or that did not reach it. */
export class GeminiError extends Error {
  override readonly name = "GeminiError";
  /** The HTTP status; undefined where there was no response. */
  readonly status: number | undefined;
  /**
   * Google's name of the error, such as `RESOURCE_EXHAUSTED`, or the system's code, such as `ECONNREFUSED`.
   */
  readonly code: string;
  /** Google's finer reason, such as `API_KEY_INVALID`, where it gives one. */
  readonly reason: string | undefined;
  /** The wait that Google asks for before another attempt, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /**
   * Says whether another attempt is of no use although the status is one of a passing failure, as with a used-up
   * daily quota.
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

/** The model's safety rules forbid the question, or the answer. */
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
 * Makes an error of a request that the SDK refused before it was sent, and which can never succeed. Its
 * message names the parameter that is wrong, and quotes no value.
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

/** Returns whether a request failed on the way to Gemini or at Gemini. Otherwise the SDK did not send it. */
export function wasSent(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return name === "ApiError" || typeof code === "string" || name === "AbortError";
}

/**
 * Returns an error of the SDK as an error that contains neither the key nor the words of the conversation.
 */
export function asFailure(error: unknown, apiKey: string): Failure {
  if (error instanceof GeminiError || error instanceof RefusalError || error instanceof BadAnswerError)
    return error;
  const { name, status, message, code } = error as Partial<
    Record<"name" | "status" | "message" | "code", unknown>
  >;
  if (name === "ApiError" && typeof status === "number") return apiFailure(status, String(message), apiKey);
  if (typeof code === "string") {
    const text = withoutKey(`Gemini cannot be reached: ${message || code}`, apiKey);
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
  if (failure.status !== undefined) return isPassingStatus(failure.status);
  // Errors of the network pass, but not those of TLS, such as a wrong certificate.
  return /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EHOST|ENET)/.test(failure.code);
}

/** Makes an error of the body of Google's error response, which may have words before it. */
function apiFailure(status: number, text: string, apiKey: string): GeminiError {
  const { message, status: code, details } = errorBody(text);
  // For a gateway's page the SDK takes the status from the first line, such as "Bad Gateway".
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

/** Returns the error object. Some gateways, and Google itself in streams, wrap it in a list. */
function errorBody(text: string): Readonly<Record<string, unknown>> {
  const { error } = jsonObject(text.slice(Math.max(0, text.search(/[[{]/))));
  return typeof error === "object" && error !== null ? { ...error } : {};
}

function detail(details: unknown, type: string, field: string): string | undefined {
  if (!Array.isArray(details)) return undefined;
  const found = details.find((entry) => String(entry?.["@type"]).endsWith(`google.rpc.${type}`));
  return typeof found?.[field] === "string" ? found[field] : undefined;
}

/**
 * Returns whether a daily quota or prepaid credits are used up: then a moment later they still are, whatever
 * delay the response asks for.
 */
function isUsedUp(details: unknown, message: string): boolean {
  const failed = Array.isArray(details) ? details.flatMap((entry) => entry?.violations ?? []) : [];
  const ofTheDay = failed.some((violation) => /PerDay/i.test(String(violation?.quotaId)));
  return ofTheDay || /credits? (is|are|has been|have been) (depleted|exhausted|used up)/i.test(message);
}

/** Reads a duration as protobuf writes it in JSON, such as `7s` or `0.25s`. */
function milliseconds(duration: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}

/**
 * Replaces the key. Google quotes it where it is suspended: "Consumer 'api_key:AIza…' has been suspended".
 */
function withoutKey(text: string, apiKey: string): string {
  return text.replaceAll(apiKey, "[key]").replaceAll(/AIza[\w-]{10,}/g, "[key]");
}
