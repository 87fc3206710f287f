import { type Checks, fillWith, key, url, whole } from "../../agent/options/option-checks.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";

const { variables } = providers.stream;

/** The options for calls on Stream. A wrong option throws a `TypeError` that names it. */
export interface StreamOptions {
  /**
   * The API key.
   * @default the environment's `STREAM_API_KEY`
   */
  readonly apiKey?: string;
  /**
   * The API secret, which signs tokens and stays in this process.
   * @default the environment's `STREAM_API_SECRET`
   */
  readonly apiSecret?: string;
  /**
   * The address of the API. Change it for an emulator, which then serves users and calls alike.
   * @default the environment's `STREAM_BASE_URL`, else Stream's own addresses
   */
  readonly baseUrl?: string;
  /**
   * The longest wait for one answer of Stream's API, in milliseconds. Raise it on slow networks.
   * @default 5000
   */
  readonly requestTimeoutMs?: number;
  /**
   * The number of attempts of a join, or of a request to Stream's API that failed for a reason that passes,
   * the first one included. A join uses another SFU where one is full.
   * @default 3
   */
  readonly attempts?: number;
  /**
   * The lifetime of the agent's own tokens, in seconds, 60–86,400. They are renewed automatically.
   * @default 3600
   */
  readonly tokenLifetimeSeconds?: number;
  /**
   * The page on which people join a call to try an agent: the links of `run` lead there. With a `baseUrl` there
   * is no default, since Stream's demo application cannot reach an emulator.
   * @default the environment's `EXAMPLE_BASE_URL`, as in Vision Agents, else Stream's demo application
   */
  readonly demoUrl?: string;
}

/** The options with their defaults. */
export interface FilledStreamOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** The address of the API; null: Stream's own. */
  readonly baseUrl: string | null;
  readonly requestTimeoutMs: number;
  readonly attempts: number;
  readonly tokenLifetimeSeconds: number;
  /** The page of demo links; null: there are no links. */
  readonly demoUrl: string | null;
}

export const videoUrl = "https://video.stream-io-api.com";
/** The address at which the SDK requests users. */
export const usersUrl = "https://chat.stream-io-api.com";

const defaultDemoUrl = "https://getstream.io/video/demos";

const owner = "stream.Edge";
const address = url("http", "https");

const checks: Checks<StreamOptions> = {
  apiKey: key,
  apiSecret: key,
  baseUrl: address,
  requestTimeoutMs: whole(1, 600_000),
  attempts: whole(1, 100),
  tokenLifetimeSeconds: whole(60, 86_400),
  demoUrl: address,
};

const defaults = { requestTimeoutMs: 5_000, attempts: 3, tokenLifetimeSeconds: 3_600 } as const;

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or a missing key; it quotes none. */
export function fillOptions(given: StreamOptions = {}): FilledStreamOptions {
  const filled = fillWith(owner, given, checks, defaults);
  const baseUrl = baseUrlFrom(given.baseUrl, variables.baseUrl, { usual: null, check: address });
  const usual = baseUrl === null ? defaultDemoUrl : null;
  const demoUrl = baseUrlFrom(given.demoUrl, variables.demoUrl, { usual, check: address });
  return {
    ...filled,
    apiKey: keyFrom(owner, given.apiKey, variables.apiKey),
    apiSecret: keyFrom(owner, given.apiSecret, variables.apiSecret, "apiSecret"),
    baseUrl: baseUrl === null ? null : withoutSlash(baseUrl),
    demoUrl: demoUrl === null ? null : withoutSlash(demoUrl),
  };
}

/** Removes the slashes at the end, since paths are appended to the address. */
const withoutSlash = (address: string): string => address.replace(/\/+$/, "");
