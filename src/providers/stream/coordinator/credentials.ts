import type { IceServer } from "../../../media/peer.ts";
import { StreamError } from "../error.ts";

/** The credentials for one SFU and one call. */
export interface SfuCredentials {
  /** The name of the SFU, which a migration names as its origin. */
  readonly edge: string;
  /** The root address of the signalling over HTTP. */
  readonly url: string;
  readonly websocketUrl: string;
  readonly token: string;
  readonly iceServers: readonly IceServer[];
}

/** The coordinator's answer to a join, as far as it is used. */
export interface SfuAdmission {
  readonly credentials: SfuCredentials;
  /** The agent's rights in the call, such as `send-audio`. */
  readonly capabilities: readonly string[];
}

/** Reads the answer to a join. It throws a {@link StreamError} where a field is missing that a join needs. */
export function readAdmission(answer: unknown): SfuAdmission {
  const { credentials, own_capabilities } = fields(answer);
  const { token, server, ice_servers } = fields(credentials);
  const { edge_name, url, ws_endpoint } = fields(server);
  return {
    credentials: {
      edge: text(edge_name, "server.edge_name"),
      url: text(url, "server.url").replace(/\/+$/, ""),
      websocketUrl: text(ws_endpoint, "server.ws_endpoint"),
      token: text(token, "token"),
      iceServers: list(ice_servers).flatMap(readIceServer),
    },
    capabilities: list(own_capabilities).filter((one) => typeof one === "string"),
  };
}

function readIceServer(value: unknown): IceServer[] {
  const { urls, username, password } = fields(value);
  const known = list(urls).filter((url) => typeof url === "string");
  if (known.length === 0) return [];
  return [{ urls: known, username: optional(username), password: optional(password) }];
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const optional = (value: unknown): string => (typeof value === "string" ? value : "");

function text(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new StreamError(`To join a call: the answer has no credentials.${name}`, { retryable: true });
}
