import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type Koa from "koa";
import { GreenroomError } from "../../shared/errors.ts";
import { tokenProtocolPrefix } from "../access/session-token.ts";
import { isUpgrade, takeSocket } from "./serve-upgrades.ts";

/** The text that RFC 6455 adds to a key before it is hashed. */
const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The most subprotocols that a client may offer. */
const mostProtocols = 16;

/** The handshake of a WebSocket, as its client sent it. */
export interface Handshake {
  readonly key: string;
  /** The subprotocols that the client offers, in its order, without one that carries a session token. */
  readonly protocols: readonly string[];
}

/** Reads a handshake. Throws UPGRADE_REQUIRED where the request is none, and BAD_REQUEST where it is wrong. */
export function readHandshake(ctx: Koa.Context): Handshake {
  if (!isUpgrade(ctx.req) || ctx.get("Sec-WebSocket-Version") !== "13") {
    ctx.set({ Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" });
    throw new GreenroomError("UPGRADE_REQUIRED");
  }
  const key = ctx.get("Sec-WebSocket-Key");
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) throw notRight("Sec-WebSocket-Key");
  return { key, protocols: offeredProtocols(ctx) };
}

function offeredProtocols(ctx: Koa.Context): string[] {
  const header = ctx.get("Sec-WebSocket-Protocol");
  const offered = header === "" ? [] : header.split(",").map((name) => name.trim());
  const protocols = offered.filter((name) => !name.startsWith(tokenProtocolPrefix));
  const areNames = protocols.every((name) => /^[!#$%&'*+.^_`|~\w-]{1,128}$/.test(name));
  if (!areNames || protocols.length > mostProtocols || new Set(protocols).size < protocols.length)
    throw notRight("Sec-WebSocket-Protocol");
  // A browser drops a connection for which none of the protocols that it offered was chosen.
  if (offered.length > 0 && protocols.length === 0)
    throw new GreenroomError(
      "BAD_REQUEST",
      "Offer the subprotocol that you speak beside the one that carries the token",
    );
  return protocols;
}

const notRight = (header: string): GreenroomError =>
  new GreenroomError("BAD_REQUEST", `The header ${header} is not that of a WebSocket`);

/** Answers a handshake with 101. Returns the socket of the client, which speaks no HTTP from here on. */
export function switchProtocols(ctx: Koa.Context, { key }: Handshake, protocol: string | null): Socket {
  ctx.set(
    "Sec-WebSocket-Accept",
    createHash("sha1")
      .update(key + keySuffix)
      .digest("base64"),
  );
  if (protocol !== null) ctx.set("Sec-WebSocket-Protocol", protocol);
  return sendSwitch(ctx);
}

/** Sends 101 with the headers that are set. Returns the socket of the client. */
export function sendSwitch(ctx: Koa.Context): Socket {
  ctx.set({ Upgrade: "websocket", Connection: "Upgrade" });
  ctx.status = 101;
  ctx.respond = false;
  ctx.res.flushHeaders();
  return takeSocket(ctx.req, ctx.res);
}
