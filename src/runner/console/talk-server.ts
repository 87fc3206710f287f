import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import { SessionTokens } from "../../control-plane/access/session-token.ts";
import { createApp } from "../../control-plane/app.ts";
import { fillServeOptions } from "../../control-plane/serve-options.ts";
import { createHttpServer } from "../../control-plane/server.ts";
import { serveUpgrades } from "../../control-plane/sockets/serve-upgrades.ts";
import { closeServer, listen, localUrl } from "../server/listener.ts";

const host = "127.0.0.1";

/** The caller that started the session, as its `created_by` says. */
export const consoleCaller = "console";

/** Returns null for every caller: only the session token identifies one. */
const caller = () => null;

/**
 * The talk page, on a free port of this machine, for the one call of the console. Only the bearer of the session token,
 * which is part of the link, is permitted anything there.
 */
export class TalkServer {
  readonly #server: Server;
  readonly #url: string;
  readonly #tokens: SessionTokens;

  private constructor(server: Server, port: number, tokens: SessionTokens) {
    this.#server = server;
    this.#url = localUrl(host, port);
    this.#tokens = tokens;
  }

  static async open(launcher: AgentLauncher): Promise<TalkServer> {
    const options = fillServeOptions({
      host,
      port: 0,
      talkPage: "local",
      sessionTokens: true,
      sessionTokenSecret: randomBytes(32).toString("base64url"),
      getCurrentUser: caller,
      canStartSession: () => false,
      // A request with the session's token is judged as if its starter had sent it.
      canViewSession: async (scope) => (await scope.resolve(caller)) === consoleCaller,
    });
    const app = await createApp(launcher, options);
    const server = createHttpServer(options.timeouts);
    const listener = app.callback();
    server.on("request", listener);
    serveUpgrades(server, listener);
    const port = await listen(server, { host, port: 0, flag: "--port" });
    return new TalkServer(server, port, SessionTokens.of(options));
  }

  /** Returns the address of the page that joins the session. It holds a token: it is printed, and never logged. */
  link(sessionId: string): string {
    const session = new URLSearchParams({ session: sessionId, token: this.#tokens.issue(sessionId) ?? "" });
    return `${this.#url}/talk#${session}`;
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }
}
