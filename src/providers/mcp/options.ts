import {
  anyFunction,
  type Check,
  type Checks,
  duration,
  either,
  fillWith,
  isObject,
  matching,
  text,
  texts,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";

/** Headers of requests. */
export type Headers = Readonly<Record<string, string>>;
/** Headers of all requests, or a function that returns those of each request, such as a token that expires. */
export type HeaderSource = Headers | (() => Headers | Promise<Headers>);

/** The options that servers of both kinds have. A wrong one throws a `TypeError` that names it. */
export interface CommonServerOptions {
  /**
   * The name of the server, for logs and errors.
   * @default the host of its address, or the name of its program with that of its script or package: `node orders.ts`
   */
  readonly name?: string;
  /**
   * The text before the name of each tool, such as `crm_`, so that two servers may have tools of one name.
   * @default none
   */
  readonly prefix?: string;
  /**
   * The tools that the model may call, by their names at the server, without the prefix.
   * @default all of them
   */
  readonly allowedTools?: readonly string[];
  /**
   * The most tools that are taken: every one of them costs tokens in each request to the model, and a server may offer any number.
   * @default 64
   */
  readonly maxTools?: number;
  /**
   * The longest time until the server has told its tools, in milliseconds. An agent does not speak before. After it the agent goes on
   * without them, and the server is tried again.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /**
   * The longest time without a result, and without progress, of a call of a tool, in milliseconds.
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * The longest time of a call that tells progress, in milliseconds.
   * @default 30000
   */
  readonly maxTimeoutMs?: number;
}

/** A server that is reached by streamable HTTP. */
export interface HttpServerOptions extends CommonServerOptions {
  /** The address of the server, such as `https://mcp.example.com/mcp`. */
  readonly url: string;
  /**
   * Headers of each request. `createAgent` runs for each call, so that they may be the call's own: `{ authorization: `Bearer
   * ${config.token}` }`. A function is asked before each request.
   * @default none
   */
  readonly headers?: HeaderSource;
}

/** A server that is a program on this machine, and speaks over its standard input and output. */
export interface StdioServerOptions extends CommonServerOptions {
  /** The program, such as `npx`. It is started without a shell. */
  readonly command: string;
  /**
   * Its arguments.
   * @default none
   */
  readonly args?: readonly string[];
  /**
   * Variables of its environment, besides `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`. It has no others.
   * @default none
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The folder in which it runs.
   * @default that of the process
   */
  readonly cwd?: string;
  /**
   * Lets all sessions of the process that ask for the same program, with the same variables, use one. It is then started once, and kept
   * for a minute after the last call. False where it keeps anything of a caller: each session then has one of its own.
   * @default true
   */
  readonly shared?: boolean;
}

/** The options of a server of either kind. */
export type ServerOptions = HttpServerOptions | StdioServerOptions;

/** The options with their defaults. */
export interface FilledServerOptions extends Required<Omit<CommonServerOptions, "allowedTools">> {
  readonly allowedTools: ReadonlySet<string> | null;
  readonly reach:
    | { readonly kind: "http"; readonly url: URL; readonly headers: () => Headers | Promise<Headers> }
    | {
        readonly kind: "stdio";
        readonly command: string;
        readonly args: readonly string[];
        readonly env: Readonly<Record<string, string>>;
        readonly cwd: string | null;
        readonly shared: boolean;
      };
}

const record = (expected: string): Check => ({
  fits: (value) => isObject(value) && Object.values(value).every((one) => typeof one === "string"),
  expected,
  secret: true,
});

const commonChecks: Checks<CommonServerOptions> = {
  name: text,
  prefix: matching(/^[A-Za-z_][\w-]{0,31}$/, "letters, digits, _ and - (at most 32), such as crm_"),
  allowedTools: texts,
  maxTools: whole(1, 512),
  connectTimeoutMs: duration(),
  timeoutMs: duration(),
  maxTimeoutMs: duration(),
};

const address: Check = {
  fits: (value) => typeof value === "string" && /^https?:/.test(value) && URL.canParse(value),
  expected: "an http or https URL",
};

const httpChecks: Checks<HttpServerOptions> = {
  ...commonChecks,
  url: address,
  headers: { ...either(record("an object of texts"), anyFunction), secret: true },
};

const stdioChecks: Checks<StdioServerOptions> = {
  ...commonChecks,
  command: text,
  args: {
    fits: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
    expected: "a list of texts",
  },
  env: record("an object of texts"),
  cwd: text,
  shared: truth,
};

const defaults = {
  maxTools: 64,
  connectTimeoutMs: 5_000,
  timeoutMs: 10_000,
  maxTimeoutMs: 30_000,
} as const satisfies CommonServerOptions;

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, and quotes no header. */
export function fillServerOptions(given: ServerOptions): FilledServerOptions {
  const owner = "mcp.Server";
  if (!isObject(given) || "url" in given === "command" in given) {
    throw new TypeError(`${owner}: give url, or command`);
  }
  if ("url" in given) {
    const { url, headers = {}, ...common } = fillWith(owner, given, httpChecks, defaults);
    const parsed = new URL(url);
    const source = typeof headers === "function" ? headers : () => headers;
    return { ...filledCommon(common, parsed.host), reach: { kind: "http", url: parsed, headers: source } };
  }
  const {
    command,
    args = [],
    env = {},
    cwd = null,
    shared = true,
    ...common
  } = fillWith(owner, given, stdioChecks, defaults);
  return {
    ...filledCommon(common, programName(command, args)),
    reach: { kind: "stdio", command, args, env, cwd, shared },
  };
}

const scriptFile = /\.(?:[cm]?[jt]s|py|rb|php|pl|sh|jar)$/;
/** Programs that fetch a package and run it, and what the name of a package looks like. */
const packageRunner = /^(?:npx|bunx|pnpx|uvx|pipx)$/;
const packageName = /^(?:@[\w.-]+\/)?\w[\w.-]*(?:@[\w.^~-]+)?$/;

const fileName = (path: string) => path.split(/[\\/]/).at(-1) || path;

/** Returns the name of a program. Of its arguments only a script or a package is told, since others may be secrets. */
function programName(command: string, args: readonly string[]): string {
  const program = fileName(command);
  const isPackage = (arg: string) => packageRunner.test(program) && packageName.test(arg);
  const subject = args.find((arg) => !arg.startsWith("-") && (scriptFile.test(arg) || isPackage(arg)));
  if (subject === undefined) return program;
  return `${program} ${isPackage(subject) ? subject : fileName(subject)}`;
}

function filledCommon(
  {
    allowedTools,
    name,
    prefix = "",
    ...common
  }: CommonServerOptions & Required<Pick<CommonServerOptions, keyof typeof defaults>>,
  usualName: string,
): Omit<FilledServerOptions, "reach"> {
  return {
    ...common,
    name: name ?? usualName,
    prefix,
    allowedTools: allowedTools === undefined ? null : new Set(allowedTools),
  };
}
