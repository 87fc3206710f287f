import { type Check, key, url } from "../../agent/options/option-checks.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";

const { variables } = providers.cartesia;

/** The options of how Cartesia is reached, which its voice and its recogniser share. */
export interface AccessOptions {
  /**
   * The API key.
   * @default the environment's `CARTESIA_API_KEY`
   */
  readonly apiKey?: string;
  /**
   * The address of the API, of the scheme `http`, `https`, `ws` or `wss`: a gateway, or an emulator.
   * @default the environment's `CARTESIA_BASE_URL`, else `https://api.cartesia.ai`
   */
  readonly baseUrl?: string;
}

const baseUrl = url("http", "https", "ws", "wss");

export const accessChecks = { apiKey: key, baseUrl } as const satisfies Record<keyof AccessOptions, Check>;

/** The version of the API, whose errors are objects: docs.cartesia.ai/use-the-api/api-errors. */
const version = "2026-03-01";

/** The way to Cartesia. */
export interface Access {
  readonly apiKey: string;
  readonly baseUrl: string;
}

/** Returns the way to Cartesia. Throws a `TypeError` where the key is missing. @param owner The class that needs it. */
export function accessOf(owner: string, given: AccessOptions): Access {
  return {
    apiKey: keyFrom(owner, given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, {
      usual: "https://api.cartesia.ai",
      check: baseUrl,
    }),
  };
}

/** Returns the address of a WebSocket, and the headers of its handshake. */
export function webSocketTo({ apiKey, baseUrl: base }: Access, path: string) {
  return {
    url: `${base.replace(/^http/, "ws").replace(/\/+$/, "")}${path}`,
    headers: { authorization: `Bearer ${apiKey}`, "cartesia-version": version },
  };
}
