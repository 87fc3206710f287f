/** A program that speaks MCP over its standard input and output. */
export interface McpProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** True where sessions that ask for the same program use one; else it belongs to the session that asked, and ends with it. */
  readonly shared: boolean;
}

/** A message of the protocol. It is passed on, so that little is known of it. */
export type McpMessage = Readonly<Record<string, unknown>>;

/** Session thread → the thread that runs the programs of MCP servers. Closing the port leaves the program. */
export type ToMcpThread =
  /** The first message: the program that is wanted. */
  | { readonly type: "open"; readonly program: McpProgram }
  | { readonly type: "message"; readonly message: McpMessage };

/** The fields of a message of a session thread, of which nobody knows yet whether they are what they should be. */
type Given = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";

/** Returns whether a value is a program that can be started. */
export function isMcpProgram(value: unknown): value is McpProgram {
  if (!isObject(value)) return false;
  const { command, args, env, cwd, shared } = value;
  const isCalled = isText(command) && Array.isArray(args) && args.every(isText);
  if (!isCalled || typeof shared !== "boolean") return false;
  return isObject(env) && Object.values(env).every(isText) && (cwd === null || isText(cwd));
}

/** Returns whether a value is a message of the protocol that can be written as JSON. */
export function isMcpMessage(value: unknown): value is McpMessage {
  if (!isObject(value) || value.jsonrpc !== "2.0") return false;
  if (value.params !== undefined && !isObject(value.params)) return false;
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** The thread that runs the programs of MCP servers → session thread. */
export type FromMcpThread =
  | { readonly type: "opened" }
  | { readonly type: "message"; readonly message: McpMessage }
  /** The last message: the program could not be started, or has ended. `lastWords` is what it wrote last to its standard error. */
  | {
      readonly type: "lost";
      readonly reason: string;
      readonly code: string | null;
      readonly lastWords: string;
    };

/**
 * The thread that runs the programs of MCP servers → main thread: a program runs, or has ended. Where that thread is lost its programs are
 * not ended by the system, so that the main thread has to know them.
 */
export interface McpProgramNote {
  readonly pid: number;
  readonly isRunning: boolean;
}
