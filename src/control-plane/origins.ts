import { isIP } from "node:net";
import type Koa from "koa";
import { GreenroomError } from "../errors.ts";
import type { FilledServeOptions } from "./serve-options.ts";

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Which web pages may call, and by which names the server may be called.
 *
 * Where nobody is asked who they are and no origins are named, it is a developer's own server: any page in their browser
 * could drive it, by requests that browsers send without asking first (a form, sendBeacon), or by a domain that is pointed
 * at this machine after the page was loaded (DNS rebinding). The first is known by its Origin, the second by its Host.
 */
export class Origins {
  readonly #options: FilledServeOptions;
  /** Null: any. */
  readonly #allowed: ReadonlySet<string> | null;
  /** Nobody is authenticated and no origins are named. */
  readonly #private: boolean;

  constructor(options: FilledServeOptions) {
    const { corsAllowOrigins, authenticated } = options;
    const any = corsAllowOrigins?.includes("*") ?? authenticated;
    this.#options = options;
    this.#allowed = any ? null : new Set(corsAllowOrigins ?? []);
    this.#private = corsAllowOrigins === undefined && !authenticated;
  }

  /** The value of Access-Control-Allow-Origin, or none. */
  allowOrigin(ctx: Koa.Context): string {
    if (this.#allowed === null) return "*";
    const origin = ctx.get("Origin");
    return this.#knows(ctx, origin) ? origin : "";
  }

  /** Throws FORBIDDEN for what another page may have made a browser send. */
  check(ctx: Koa.Context): void {
    const { host } = ctx.req.headers;
    if (this.#private && !this.#isOwnHost(ctx, host)) {
      throw new GreenroomError(
        "FORBIDDEN",
        `The Host ${JSON.stringify(host ?? "")} is not known here: name it in allowedHosts (GREENROOM_ALLOWED_HOSTS), or configure authentication`,
      );
    }
    const origin = ctx.get("Origin");
    // With authentication, a page has nothing to show for itself; the browser keeps the answer from it.
    if (origin === "" || this.#allowed === null || this.#options.authenticated || this.#knows(ctx, origin))
      return;
    throw new GreenroomError(
      "FORBIDDEN",
      `The Origin ${JSON.stringify(origin)} may not call: name it in corsAllowOrigins`,
    );
  }

  #knows(ctx: Koa.Context, origin: string): boolean {
    if (this.#allowed?.has(origin)) return true;
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (url?.origin !== origin || !/^https?:$/.test(url.protocol)) return false;
    if (this.#private && loopbackNames.includes(url.hostname)) return true;
    const { host } = ctx.req.headers;
    return url.host === host?.toLowerCase() && this.#isOwnHost(ctx, host);
  }

  /** The server is called by a name that no stranger's domain can have. */
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

/** Without port, in lower case; IPv6 in brackets. Null where it is none. */
function hostName(host: string | undefined): string | null {
  if (!host || /[/?#@\s]/.test(host) || !URL.canParse(`http://${host}`)) return null;
  return new URL(`http://${host}`).hostname;
}

const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host.toLowerCase());

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** What to say loudly at the start of a server that anybody who reaches it may drive; null where that is not so. */
export function exposureText(options: FilledServeOptions): string | null {
  if (options.authenticated || isLoopback(options.host)) return null;
  return (
    `Anybody who can reach ${options.host} may start, hear and close agents here: nothing asks who they are. ` +
    "Set GREENROOM_API_KEYS where it is started from the command line; or, in code, getCurrentUser, for instance to " +
    "apiKey(), or canStartSession and the other callbacks; or listen on 127.0.0.1."
  );
}
