import type { Dialect } from "./dialects.ts";

/** A request that is refused. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly type: string;

  constructor(
    status: number,
    message: string,
    {
      code = null,
      param = null,
      type = "invalid_request_error",
    }: { code?: string | null; param?: string | null; type?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.type = type;
  }

  /** Returns the body as a service writes it. */
  body(form: Dialect["errors"]): object {
    const { message, type, param, code, status } = this;
    switch (form) {
      case "openai":
        return { error: { message, type, param, code } };
      case "azure":
        return { error: { code: code ?? String(status), message, ...(param === null ? {} : { param }) } };
      case "mistral":
        return status === 401
          ? { detail: "Unauthorized" }
          : { object: "error", message, type, param, code: "3000", raw_status_code: status };
      case "vllm":
        return { object: "error", message, type: "BadRequestError", param, code: status };
      case "ollama":
        return { error: { message, type: "api_error", param: null, code: null } };
      default:
        return form satisfies never;
    }
  }
}

/** The words of OpenAI for a status of its own. */
const usual: Readonly<Record<number, readonly [message: string, code: string | null, type: string]>> = {
  400: ["Invalid request.", null, "invalid_request_error"],
  403: [
    "Country, region, or territory not supported",
    "unsupported_country_region_territory",
    "request_forbidden",
  ],
  408: ["Request timed out.", null, "server_error"],
  409: ["The resource was updated by another process.", null, "conflict"],
  429: ["Rate limit reached for requests", "rate_limit_exceeded", "requests"],
  500: ["The server had an error while processing your request. Sorry about that!", null, "server_error"],
  502: ["Bad gateway.", null, "server_error"],
  503: ["The engine is currently overloaded, please try again later", null, "service_unavailable"],
  504: ["Gateway timeout.", null, "server_error"],
};

export function usualRefusal(status: number, message?: string, code?: string): Refusal {
  const [words, usualCode, type] = usual[status] ?? ["Something went wrong.", null, "server_error"];
  return new Refusal(status, message ?? words, { code: code ?? usualCode, type });
}
