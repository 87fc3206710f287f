/** How to reach Stream. A wrong option throws a `TypeError` that names it. */
export interface StreamOptions {
  /** Default: the environment's `STREAM_API_KEY`. */
  readonly apiKey?: string;
  /** Default: the environment's `STREAM_API_SECRET`. It signs tokens, and stays in this process. */
  readonly apiSecret?: string;
  /**
   * Default: the environment's `STREAM_BASE_URL`, else Stream's own addresses. Change it for an emulator: users and calls are
   * then both asked for there.
   */
  readonly baseUrl?: string;
  /** Longest wait for one answer of Stream's API, in milliseconds. Default 5,000. Raise it on slow networks. */
  readonly requestTimeoutMs?: number;
  /**
   * How often a join, or a request to Stream's API that failed for a reason that passes, is tried in all. Default 3. A join
   * moves to another of Stream's edges where one is full.
   */
  readonly attempts?: number;
  /** For how long the agent's own tokens are good, in seconds, 60–86,400. Default 3,600. They are renewed by themselves. */
  readonly tokenLifetimeSeconds?: number;
  /**
   * Where people join a call to try an agent out: the links of `run` lead there. Default: the environment's `EXAMPLE_BASE_URL`,
   * as in Vision Agents, else Stream's demo application.
   */
  readonly demoUrl?: string;
}

/** The options with their defaults. */
export interface FilledOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Null: Stream's own. */
  readonly baseUrl: string | null;
  readonly requestTimeoutMs: number;
  readonly attempts: number;
  readonly tokenLifetimeSeconds: number;
  readonly demoUrl: string;
}

export const videoUrl = "https://video.stream-io-api.com";
/** Where the SDK asks for users. */
export const usersUrl = "https://chat.stream-io-api.com";

const defaultDemoUrl = "https://getstream.io/video/demos";

type Check = readonly [fits: (value: unknown) => boolean, expected: string];

const key: Check = [(value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value), "a key"];
const url: Check = [
  (value) => typeof value === "string" && /^https?:\/\/[^/?#\s]+[^?#\s]*$/.test(value) && URL.canParse(value),
  "an http or https URL",
];
const whole = (least: number, most: number): Check => [
  (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  `a whole number from ${least} to ${most}`,
];

const checks: Readonly<Record<keyof StreamOptions, Check>> = {
  apiKey: key,
  apiSecret: key,
  baseUrl: url,
  requestTimeoutMs: whole(1, 600_000),
  attempts: whole(1, 100),
  tokenLifetimeSeconds: whole(60, 86_400),
  demoUrl: url,
};

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or a missing key; it quotes none. */
export function fillOptions(given: StreamOptions = {}): FilledOptions {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(`stream.Edge: there is no option ${name}`);
    const [fits, expected] = checks[name as keyof StreamOptions];
    if (value !== undefined && !fits(value)) throw new TypeError(`stream.Edge: ${name} must be ${expected}`);
  }
  return {
    apiKey: secret(given.apiKey, "STREAM_API_KEY", "apiKey"),
    apiSecret: secret(given.apiSecret, "STREAM_API_SECRET", "apiSecret"),
    baseUrl: address(given.baseUrl, "STREAM_BASE_URL"),
    demoUrl: address(given.demoUrl, "EXAMPLE_BASE_URL") ?? defaultDemoUrl,
    requestTimeoutMs: given.requestTimeoutMs ?? 5_000,
    attempts: given.attempts ?? 3,
    tokenLifetimeSeconds: given.tokenLifetimeSeconds ?? 3_600,
  };
}

/** A variable that is empty counts as none. */
export function fromEnvironment(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}

function secret(given: string | undefined, variable: string, option: string): string {
  const value = given ?? fromEnvironment(variable);
  if (value === undefined) {
    throw new TypeError(`${variable} is not set: set it, or give stream.Edge an ${option}`);
  }
  if (!key[0](value)) throw new TypeError(`${variable} holds characters that no key has`);
  return value;
}

function address(given: string | undefined, variable: string): string | null {
  const value = given ?? fromEnvironment(variable) ?? null;
  if (value === null) return null;
  if (!url[0](value)) throw new TypeError(`${variable} must be ${url[1]}`);
  return value.replace(/\/+$/, "");
}
