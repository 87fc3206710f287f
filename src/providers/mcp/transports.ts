import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { sharedThreads } from "../../agent/thread/shared-threads.ts";
import type { McpMessage, McpProgram, McpProgramNote } from "../../shared/mcp-thread.ts";
import { HostedTransport } from "./hosted/hosted-transport.ts";
import { fetchWith } from "./http-fetch.ts";
import type { FilledServerOptions } from "./options.ts";
import type { Sdk } from "./sdk.ts";

/** The longest message of a program, in bytes: one that floods is ended. */
const longestMessage = 8 * 2 ** 20;
/** The last characters of what a program writes to its standard error that are kept: an error of Node comes before its stack. */
const keptCharacters = 8_000;
/** The last characters of these that are told where it ends. */
const toldCharacters = 500;
/** Lines of what a program writes that say nothing about its error: calls of a stack, marks below code, the version of Node. */
const noise = /^\s*(?:at .*|\^+|Node\.js v[\d.]+)$/;
/** The variables of the process that a program has, besides those that are given. */
const inherited = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

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
  const { command, args, cwd, shared } = reach;
  const program = { command, args, env: { ...inheritedVariables(), ...reach.env }, cwd, shared };
  const leave = async () => undefined;
  const { mcp } = sharedThreads();
  // One that is not shared runs there too: it has to end where the thread of its session is lost.
  if (mcp !== null) {
    const transport = new HostedTransport(mcp, program);
    return { transport, lastWords: () => transport.lastWords, leave };
  }
  const { transport, lastWords } = stdioTransport(program, sdk);
  return { transport: transport as Transport, lastWords, leave };
}

/** A program as the thread uses it that runs programs for all sessions. */
export interface ProgramTransport {
  onMessage: (message: McpMessage) => void;
  /** Called when the program has ended, or does not do as the protocol says. */
  onEnd: (error: Error) => void;
  start(): Promise<void>;
  send(message: McpMessage): Promise<void>;
  /** Ends the program: by the end of its input, else by signals. */
  close(): Promise<void>;
  lastWords(): string;
}

/**
 * Returns a program, which is not started yet.
 * @param note Told that its process runs, and that it has ended.
 */
export function programTransport(
  program: McpProgram,
  sdk: Sdk,
  note: (note: McpProgramNote) => void,
): ProgramTransport {
  const { transport, lastWords } = stdioTransport(program, sdk);
  let error: Error | null = null;
  let pid: number | null = null;
  const own: ProgramTransport = {
    onMessage: () => {},
    onEnd: () => {},
    start: () => {
      const started = transport.start();
      pid = transport.pid;
      if (pid !== null) note({ pid, isRunning: true });
      return started;
    },
    send: (message) => transport.send(message as unknown as JSONRPCMessage),
    close: () => transport.close(),
    lastWords,
  };
  transport.onmessage = (message) => own.onMessage(message as unknown as McpMessage);
  transport.onerror = (told) => {
    error = told;
  };
  transport.onclose = () => {
    if (pid !== null) note({ pid, isRunning: false });
    own.onEnd(error ?? new Error("The program has ended"));
  };
  return own;
}

function stdioTransport({ command, args, env, cwd }: McpProgram, sdk: Sdk) {
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
  return { transport, lastWords: () => lastOf(last) };
}

/** Returns the end of what a program wrote, in one line. */
function lastOf(written: string): string {
  const lines = written.split(/\r?\n/).filter((line) => !noise.test(line));
  return lines.join(" ").replaceAll(/\s+/g, " ").trim().slice(-toldCharacters).toWellFormed();
}

function inheritedVariables(): Record<string, string> {
  return Object.fromEntries(
    inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
