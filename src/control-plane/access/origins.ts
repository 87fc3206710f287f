import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type Koa from "koa";
import type { ServerLog } from "../../log/log.ts";
import { hostName, isOrigin } from "../../options/host-names.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { FilledServeOptions } from "../serve-options.ts";
import { isUpgrade } from "../sockets/serve-upgrades.ts";

/** The most refusals that the log reports. */
const mostTold = 20;
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Decides which web pages may call, and by which names the server may be called.
 *
 * Where callers do not authenticate, any page in the browser of a person who can reach the server could control it: by
 * requests that browsers send without a preflight (a form, sendBeacon), or by a domain that is pointed at this machine
 * after the page was loaded (DNS rebinding). The first is recognised by its Origin, the second by its Host.
 */
export class Origins {
  readonly #options: FilledServeOptions;
  /** The origins that may call; null: any. */
  readonly #allowed: ReadonlySet<string> | null;
  /** True where callers do not authenticate: the server then answers only to its own names, whichever pages may call. */
  readonly #open: boolean;
  /** True where, besides, no origins are named: pages on this machine may call. */
  readonly #localPages: boolean;
  readonly #log: ServerLog;
  /** The refusals that the log has reported: one line each, so that no caller can fill the log. */
  readonly #told = new Set<string>();

  constructor(options: FilledServeOptions, log: ServerLog) {
    const { corsAllowOrigins, authenticated } = options;
    const any = corsAllowOrigins?.includes("*") ?? authenticated;
    this.#options = options;
    this.#allowed = any ? null : new Set(corsAllowOrigins ?? []);
    this.#open = !authenticated;
    this.#localPages = !authenticated && corsAllowOrigins === undefined;
    this.#log = log;
  }

  /** Returns the value of Access-Control-Allow-Origin; empty where there is none. */
  allowOrigin(ctx: Koa.Context): string {
    if (this.#allowed === null) return "*";
    const origin = ctx.get("Origin");
    return this.#knows(ctx, origin) ? origin : "";
  }

  /** Throws FORBIDDEN for a request that a foreign page may have made a browser send. */
  check(ctx: Koa.Context): void {
    const { host } = ctx.req.headers;
    if (this.#open && !this.#isOwnHost(ctx, host)) throw this.#refusal(hostAdvice(host));
    const origin = ctx.get("Origin");
    if (isUpgrade(ctx.req)) {
      this.#checkSocket(ctx, origin);
      return;
    }
    // With authentication a foreign page has no credentials to send, and the browser does not show it the answer.
    if (origin === "" || this.#allowed === null || this.#options.authenticated || this.#knows(ctx, origin))
      return;
    throw this.#refusal(originAdvice(origin));
  }

  /**
   * Checks a WebSocket in the same way. A browser lets any page open one, shows the page everything that comes over it,
   * and sends its cookies along. So a page that may not call is refused. From a page that may call, cookies are removed
   * unless credentials are allowed.
   */
  #checkSocket(ctx: Koa.Context, origin: string): void {
    if (origin === "" || isSameHost(origin, ctx.req.headers.host)) return;
    if (this.#allowed !== null && !this.#knows(ctx, origin)) throw this.#refusal(originAdvice(origin));
    if (!this.#options.corsAllowCredentials) removeHeaders(ctx.req, ["cookie", "authorization"]);
  }

  /** Returns the refusal, and logs it: in a Compose file or behind a tunnel the client's answer may not be seen by anybody. */
  #refusal(advice: string): GreenroomError {
    if (this.#told.size < mostTold && !this.#told.has(advice)) {
      this.#told.add(advice);
      this.#log.warn({ event: "origin_refused" }, advice);
    }
    return new GreenroomError("FORBIDDEN", advice);
  }

  #knows(ctx: Koa.Context, origin: string): boolean {
    if (this.#allowed?.has(origin)) return true;
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (url?.origin !== origin || !/^https?:$/.test(url.protocol)) return false;
    if (this.#localPages && loopbackNames.includes(url.hostname)) return true;
    const { host } = ctx.req.headers;
    return url.host === host?.toLowerCase() && this.#isOwnHost(ctx, host);
  }

  /** Returns whether the server is called by a name that no foreign domain can have. */
  #isOwnHost(ctx: Koa.Context, host: string | undefined): boolean {
    const name = hostName(host);
    if (name === null) return false;
    const { host: listening, allowedHosts } = this.#options;
    if (loopbackNames.includes(name) || allowedHosts.includes(name) || name === bracketed(listening))
      return true;
    const address = name.replace(/^\[(.*)\]$/, "$1");
    if (isIP(address) === 0) return false;
    // A page of a rebound domain has that domain as its Host, never an address.
    return isAnyAddress(listening) || address === ctx.req.socket.localAddress;
  }
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** Removes headers from a request, also for a peer that it is passed on to. */
function removeHeaders({ headers, rawHeaders }: IncomingMessage, names: readonly string[]): void {
  for (const name of names) delete headers[name];
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2)
    if (names.includes(rawHeaders[at]?.toLowerCase() ?? "")) rawHeaders.splice(at, 2);
}

function hostAdvice(host: string | undefined): string {
  const name = hostName(host);
  if (name === null) return `The Host ${quoted(host ?? "")} is not the name of a server`;
  return (
    `The Host ${quoted(name)} is not known here, and nobody is asked who they are: start the server with ` +
    `--allowed-hosts ${name} (GREENROOM_ALLOWED_HOSTS; in code allowedHosts), or have callers authenticate (GREENROOM_API_KEYS)`
  );
}

function originAdvice(origin: string): string {
  const set = isOrigin(origin)
    ? `: start the server with --cors-allow-origins ${origin} (GREENROOM_CORS_ALLOW_ORIGINS; in code corsAllowOrigins)`
    : "";
  return `The Origin ${quoted(origin)} may not call${set}`;
}

/** Returns a text in quotes, cut short, since it comes from the client and goes into the log. */
const quoted = (text: string): string => JSON.stringify(text.slice(0, 255));

const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host.toLowerCase());

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Returns the warning at the start of a server that anybody who reaches it can control; null where that is not so. */
export function exposureText(options: FilledServeOptions): string | null {
  if (options.authenticated || isLoopback(options.host)) return null;
  return (
    `Anybody who can reach ${options.host} may start, hear and close agents here: nothing asks who they are. ` +
    "Set GREENROOM_API_KEYS where it is started from the command line; or, in code, getCurrentUser, for instance to " +
    "apiKey(), or canStartSession and the other callbacks; or listen on 127.0.0.1."
  );
}

/**
 * Returns a text that says by which names a server may be called where callers do not authenticate; null where any name
 * is accepted.
 */
export function namesText(options: FilledServeOptions): string | null {
  if (options.authenticated) return null;
  const named = options.allowedHosts.map((name) => `, ${name}`).join("");
  return (
    `The server answers requests to an address or to localhost${named}. Behind another name, such as a service of ` +
    "Compose or a tunnel, start it with --allowed-hosts <name> (GREENROOM_ALLOWED_HOSTS)."
  );
}
