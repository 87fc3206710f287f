import type { IncomingHttpHeaders } from "node:http";
import { withOption } from "../../shared/deadline.ts";
import { errorText, textOrNone } from "../http/error-text.ts";

/** The codes of close frames about what was sent: unsupported or invalid data, and violations of the protocol. */
export const lastingCloses: ReadonlySet<number> = new Set([1_002, 1_003, 1_007, 1_008]);

/** An end of a connection whose handshake was answered with this status. */
export interface RefusedHandshake {
  readonly type: "refused";
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The reason for which a connection ended that this side did not end. */
export type SocketEnd =
  | RefusedHandshake
  /** The system's error. */
  | { readonly type: "failed"; readonly error: unknown }
  /** The handshake, or the answer to a ping, took longer than it may. */
  | { readonly type: "late"; readonly what: "handshake" | "ping"; readonly limitMs: number }
  /** A close frame (1005: without a code), or the end of the connection without one: 1006. */
  | { readonly type: "closed"; readonly code: number; readonly reason: string };

/** The service that a connection goes to, for messages. */
export interface SocketOwner {
  readonly title: string;
  /** The texts that a message must not contain. */
  readonly secrets: readonly string[];
  /** The option that sets the time between two pings, where there is one. */
  readonly pingOption?: string;
}

/** A failure of a connection that was not refused, of which each service makes an error of its own. */
export interface SocketFailure {
  readonly message: string;
  /** Says whether the reason is what was sent (`invalid`), so that another connection would end alike. */
  readonly kind: "network" | "invalid";
  /** The system's code, such as `ECONNRESET`, or `CLOSE_` with the code of a close frame about what was sent. */
  readonly code: string;
  readonly cause?: unknown;
}

/** Returns the failure by which a connection ended. */
export function socketFailure(
  { title, secrets, pingOption }: SocketOwner,
  end: Exclude<SocketEnd, RefusedHandshake>,
): SocketFailure {
  switch (end.type) {
    case "failed": {
      const { code, message } = end.error as { code?: unknown; message?: unknown };
      const known = textOrNone(code) ?? "ECONNRESET";
      const said = errorText(textOrNone(message) ?? known, { secrets });
      return {
        message: `The connection to ${title} failed: ${said}`,
        kind: "network",
        code: known,
        cause: end.error,
      };
    }
    case "late": {
      const [what, option] =
        end.what === "handshake"
          ? [`The handshake with ${title}`, "connectTimeoutMs"]
          : [`An answer of ${title} to a ping`, pingOption];
      const message = withOption(`${what} took longer than ${end.limitMs} ms`, option);
      return { message, kind: "network", code: "ETIMEDOUT" };
    }
    case "closed": {
      const reason = end.reason === "" ? "" : `: ${errorText(end.reason, { secrets })}`;
      const message = `${title} closed the connection with ${end.code}${reason}`;
      return lastingCloses.has(end.code)
        ? { message, kind: "invalid", code: `CLOSE_${end.code}` }
        : { message, kind: "network", code: "ECONNRESET" };
    }
    default:
      return end satisfies never;
  }
}
