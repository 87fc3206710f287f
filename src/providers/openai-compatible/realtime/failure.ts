import { errorText, textOrNone } from "../../http/error-text.ts";
import type { JsonRecord } from "../../listening/turn-signal.ts";
import type { SocketEnd } from "../../web-socket/service-socket.ts";
import { type ErrorOwner, OpenAICompatibleError, type OpenAICompatibleErrorKind, refusal } from "../error.ts";

/** The codes of close frames about what was sent: unsupported or invalid data, and violations of the protocol. */
const lastingCloses: ReadonlySet<number> = new Set([1_002, 1_003, 1_007, 1_008]);

/** Makes an error of a connection that ended without being asked to. */
export function socketFailure(owner: ErrorOwner, end: SocketEnd): OpenAICompatibleError {
  const network = (said: string, code: string, cause?: unknown) =>
    new OpenAICompatibleError(said, { kind: "network", code, cause });
  switch (end.type) {
    case "refused": {
      const error = refusal(owner, end);
      if (error instanceof OpenAICompatibleError) return error;
      return new OpenAICompatibleError(error.message, { kind: "invalid", code: error.code });
    }
    case "failed": {
      const { code, message } = end.error as { code?: unknown; message?: unknown };
      const known = textOrNone(code) ?? "ECONNRESET";
      const said = errorText(textOrNone(message) ?? known, { secrets: owner.secrets });
      return network(`${owner.title} cannot be reached: ${said}`, known, end.error);
    }
    case "late": {
      const [what, option] =
        end.what === "handshake"
          ? [`The handshake with ${owner.title}`, "connectTimeoutMs"]
          : [`An answer of ${owner.title} to a ping`, "keepAliveIntervalMs"];
      return network(`${what} took longer than ${end.limitMs} ms (${option})`, "ETIMEDOUT");
    }
    case "closed": {
      const reason = end.reason === "" ? "" : `: ${errorText(end.reason, { secrets: owner.secrets })}`;
      const message = `${owner.title} closed the connection with ${end.code}${reason}`;
      if (!lastingCloses.has(end.code)) return network(message, "ECONNRESET");
      return new OpenAICompatibleError(message, { kind: "invalid", code: `CLOSE_${end.code}` });
    }
    default:
      return end satisfies never;
  }
}

/** Makes an error of what the service writes within a session: `{type, code, message, param, event_id}`. */
export function eventFailure(owner: ErrorOwner, error: JsonRecord): OpenAICompatibleError {
  const type = textOrNone(error.type) ?? "";
  const code = textOrNone(error.code) ?? (type === "" ? "unknown" : type);
  const said = errorText(textOrNone(error.message) ?? "no reason given", { secrets: owner.secrets });
  return new OpenAICompatibleError(`${owner.title} refused ${code}: ${said}`, {
    kind: kindOf(type, code),
    code,
  });
}

/** Returns whether an error ends the session, so that another connection is needed, or listening is over. */
export function endsSession({ kind, code }: OpenAICompatibleError): boolean {
  return kind !== "invalid" || code === "session_expired";
}

function kindOf(type: string, code: string): OpenAICompatibleErrorKind {
  const both = `${type} ${code}`;
  // A session has its longest time, behind which another one is begun.
  if (code === "session_expired") return "server";
  if (/quota|billing|payment|credit/.test(both)) return "quota";
  if (/auth|api_key|permission/.test(both)) return "unauthorized";
  if (/model_not_found|invalid_model/.test(both)) return "model";
  if (/rate_limit|too_many/.test(both)) return "busy";
  return /server_error|internal/.test(both) ? "server" : "invalid";
}
