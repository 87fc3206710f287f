import { errorText, textOrNone } from "../../http/error-text.ts";
import type { JsonRecord } from "../../listening/turn-signal.ts";
import { type SocketEnd, socketFailure } from "../../web-socket/socket-end.ts";
import { type ErrorOwner, OpenAICompatibleError, type OpenAICompatibleErrorKind, refusal } from "../error.ts";

/** Makes an error of a connection that ended without being asked to. */
export function socketError({ title, secrets }: ErrorOwner, end: SocketEnd): OpenAICompatibleError {
  if (end.type === "refused") {
    const error = refusal({ title, secrets }, end);
    if (error instanceof OpenAICompatibleError) return error;
    return new OpenAICompatibleError(error.message, { kind: "invalid", code: error.code });
  }
  const { message, ...facts } = socketFailure({ title, secrets, pingOption: "keepAliveIntervalMs" }, end);
  return new OpenAICompatibleError(message, facts);
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
