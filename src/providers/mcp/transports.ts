import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { cutText } from "../../shared/text/text.ts";
import { fetchWith } from "./http-fetch.ts";
import type { FilledServerOptions } from "./options.ts";
import type { Sdk } from "./sdk.ts";

/** The longest message of a program, in bytes: one that floods is ended. */
const longestMessage = 8 * 2 ** 20;
/** The last characters of what a program writes to its standard error, which are told where it ends. */
const keptCharacters = 500;

/** A way to a server. */
export interface Route {
  readonly transport: Transport;
  /** Returns what the server's program has written last to its standard error; empty where there is none. */
  lastWords(): string;
  /** Tells the server that the session is over, where it keeps any. */
  leave(): Promise<void>;
}

/**
 * Returns a new way to the server, which is not open yet.
 * @param onBroken Called where it broke in a way that the transport itself does not tell.
 */
export function routeTo({ reach }: FilledServerOptions, sdk: Sdk, onBroken: (error: Error) => void): Route {
  if (reach.kind === "http") {
    const transport = new sdk.StreamableHTTPClientTransport(reach.url, {
      fetch: fetchWith(reach.headers, onBroken),
    });
    // The SDK's classes are written without exact optional properties.
    return {
      transport: transport as Transport,
      lastWords: () => "",
      leave: () => transport.terminateSession(),
    };
  }
  const { command, args, env, cwd } = reach;
  const transport = new sdk.StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    stderr: "pipe",
    maxBufferSize: longestMessage,
    ...(cwd === null ? {} : { cwd }),
  });
  let last = "";
  transport.stderr?.on("data", (bytes: Buffer) => {
    last = (last + bytes.toString()).slice(-keptCharacters);
  });
  return {
    transport: transport as Transport,
    lastWords: () => cutText(last.replaceAll(/\s+/g, " ").trim(), keptCharacters),
    leave: async () => undefined,
  };
}
