import type { IncomingHttpHeaders } from "node:http";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";

/** The kinds of errors, by how one would react to them. */
export type OpenAICompatibleErrorKind =
  /** The key is missing, wrong, or may not do this. */
  | "unauthorized"
  /** The account has no credits left, or was not paid for. */
  | "quota"
  /** Too many requests, or a model that is still being loaded: the same request can succeed a moment later. */
  | "busy"
  /** There is no such model, or the account may not use it. */
  | "model"
  /** The conversation is longer than the model can read. */
  | "too_long"
  /** The request can never succeed as it is. */
  | "invalid"
  /** A failure of the service, or a response that cannot be used. */
  | "server"
  /** The connection could not be opened, or broke. */
  | "network";

/** A request that a service refused or failed to answer, or that did not reach it. */
export class OpenAICompatibleError extends Error {
  override readonly name = "OpenAICompatibleError";
  readonly kind: OpenAICompatibleErrorKind;
  /** The HTTP status; undefined where there was no response. */
  readonly status: number | undefined;
  /** The service's name of the error, such as `model_not_found`, or the system's code, such as `ECONNREFUSED`. */
  readonly code: string;
  /** The wait that the service asks for before another attempt, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: {
      readonly kind: OpenAICompatibleErrorKind;
      readonly status?: number | undefined;
      readonly code: string;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.kind = facts.kind;
    this.status = facts.status;
    this.code = facts.code;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** Returns whether the same request can succeed a moment later. */
  get retryable(): boolean {
    if (this.kind === "busy" || this.kind === "server") return true;
    // Errors of the network pass, but not those of TLS, such as a wrong certificate.
    return this.kind === "network" && /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EHOST|ENET)/.test(this.code);
  }
}

/** The rules of the service forbid the question, or the answer. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly code = "REFUSED";
  /** The service's reason, such as `content_filter`. */
  readonly reason: string;
  /** The part that is forbidden: the question (`prompt`) or the answer. */
  readonly refused: "prompt" | "answer";

  constructor(title: string, refused: "prompt" | "answer", reason: string) {
    super(`${title} refused the ${refused}: ${reason}`);
    this.refused = refused;
    this.reason = reason;
  }
}

/** The service that an error is about, and what its message must not contain. */
export interface ErrorOwner {
  readonly title: string;
  /** Keys, and what stands in headers. */
  readonly secrets: readonly string[];
}

/** A response that is no success. */
export interface RefusedResponse {
  readonly status: number;
  readonly headers?: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * Makes an error of a response that is no success, or of an error within one. OpenAI's form is
 * `{"error": {"message", "type", "param", "code"}}`; others leave out `error` around it, or have a number as the code.
 */
export function refusal(
  { title, secrets }: ErrorOwner,
  { status, headers = {}, text }: RefusedResponse,
): OpenAICompatibleError | RefusalError {
  const body = jsonObject(text.slice(Math.max(0, text.search(/[[{]/))));
  const inner = typeof body.error === "object" && body.error !== null ? { ...body.error } : body;
  const { message, code, type } = inner as Readonly<Record<string, unknown>>;
  const named = wordOf(code) ?? wordOf(type);
  if (named === "content_filter" || /ResponsibleAIPolicyViolation/.test(text)) {
    return new RefusalError(title, "prompt", "content_filter");
  }
  const said = withoutInput(errorText(textOrNone(message) ?? reasonIn(text), { secrets }));
  const kind = kindOf(status, named, said);
  return new OpenAICompatibleError(
    `${title} answered ${status}${named === undefined ? "" : ` ${named}`}${said === "" ? "" : `: ${said}`}`,
    {
      kind,
      status,
      code: named ?? `HTTP_${status}`,
      retryAfterMs: waitOf(headers),
    },
  );
}

/** Returns the error that stands within the data of a stream; undefined where there is none. */
export function streamedError(
  owner: ErrorOwner,
  data: unknown,
): OpenAICompatibleError | RefusalError | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const fields = data as Readonly<Record<string, unknown>>;
  const { error } = fields;
  const isError = fields.object === "error" || (error !== undefined && error !== null && error !== "");
  if (!isError) return undefined;
  const inner = (typeof error === "object" ? error : fields) as Readonly<Record<string, unknown>>;
  const status = [inner.status_code, inner.status, inner.code, fields.status_code]
    .map(Number)
    .find((number) => number >= 400 && number < 600);
  const byName = /rate_limit|too_many/.test(String(inner.code ?? inner.type)) ? 429 : 500;
  return refusal(owner, { status: status ?? byName, text: JSON.stringify(data) });
}

/** Returns an error of the system or of the connection as an error without keys; other errors as they are. */
export function asFailure(owner: ErrorOwner, error: unknown): Error {
  const known = [OpenAICompatibleError, RefusalError, BadAnswerError, DeadlineError];
  if (known.some((one) => error instanceof one)) return error as Error;
  const { name, message, code } = error as Partial<Record<"name" | "message" | "code", unknown>>;
  if (typeof code === "string" && !code.startsWith("ERR_INVALID_")) {
    const said = errorText(String(message || code), { secrets: owner.secrets });
    return new OpenAICompatibleError(`${owner.title} cannot be reached: ${said}`, {
      kind: "network",
      code,
      cause: error,
    });
  }
  // Messages of the JSON parser quote the answer, so they are not passed on.
  return new BadAnswerError(
    "UNREADABLE",
    `The answer of ${owner.title} broke off, or could not be read (${name})`,
  );
}

/** Returns the error of a part that is used after its end. */
export const closedError = (part: string): OpenAICompatibleError =>
  new OpenAICompatibleError(`openaiCompatible.${part} is closed`, { kind: "invalid", code: "CLOSED" });

/** Makes an error of a response with a success status and a content that is none of the protocol. */
export function wrongContent(owner: ErrorOwner, type: string, wanted: string): OpenAICompatibleError {
  return new OpenAICompatibleError(
    `${owner.title} answered with ${errorText(type, { longest: 80 }) || "no type"} in place of ${wanted}: is its address right?`,
    { kind: "invalid", code: "wrong_content" },
  );
}

const wordOf = (value: unknown): string | undefined =>
  typeof value === "string" && /^[A-Za-z][\w.-]{1,63}$/.test(value) ? value : undefined;

const tooLong = /context.?(length|window|size)|maximum context|too many tokens|prompt is too long/i;

function kindOf(status: number, code = "", said: string): OpenAICompatibleErrorKind {
  if (/quota|credit|billing|payment/i.test(code) || status === 402) return "quota";
  if (status === 401) return "unauthorized";
  if (/model_not_found|invalid_model|DeploymentNotFound|model_decommissioned/i.test(code)) return "model";
  if (status === 404 && /\bmodel\b/i.test(said)) return "model";
  if (status === 403) return "unauthorized";
  if (tooLong.test(code) || (status < 500 && tooLong.test(said))) return "too_long";
  if (status === 408 || status === 409 || status === 429 || status === 503) return "busy";
  return isPassingStatus(status) || status < 400 ? "server" : "invalid";
}

/** Returns the wait that the service asks for. OpenAI and Azure tell it in milliseconds too. */
function waitOf(headers: IncomingHttpHeaders): number | undefined {
  const ms = headers["retry-after-ms"];
  if (typeof ms === "string" && /^\d+(\.\d+)?$/.test(ms.trim())) return Math.ceil(Number(ms));
  return retryAfter(headers["retry-after"]) ?? undefined;
}

/** Leaves out what a validator quotes of the request, which are a caller's words. */
const withoutInput = (said: string): string => said.replace(/,?\s*['"]input['"]\s*:[\s\S]*$/, " …").trim();
