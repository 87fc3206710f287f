import { resolve } from "node:path";
import { readTextFile } from "../../shared/text/text-file.ts";
import { UsageError } from "../commands/usage-error.ts";
import { type EnvFileProblem, parseEnvFile } from "./env-file.ts";
import { eraseSecrets } from "./initial-environment.ts";
import { readSecretFiles } from "./secret-files.ts";

/** The text of a variable, and its origin as a person would name it: "GREENROOM_PORT in .env". */
export interface Variable {
  readonly text: string;
  readonly origin: string;
}

/**
 * The environment of the process, completed from the files of `GREENROOM_SECRETS_DIR`, then from the file `.env` of the
 * working directory: a variable that is set already is kept. The file of a variable is remembered, so that a message
 * can name it. An empty variable counts as not set, since templates leave such behind.
 */
export interface Environment {
  /** Returns the first of `names` that is set. */
  find(names: readonly string[]): Variable | undefined;
  /** Returns the names of all variables that are set. */
  names(): readonly string[];
  /** Sentences about lines of `.env` that were not read, and about secrets that others can read. */
  readonly warnings: readonly string[];
}

let loaded: Environment | undefined;

/**
 * Reads the files at the first call in the process. Throws a {@link UsageError} where a file cannot be read, and where
 * a line of `.env` that may hold a secret cannot: without the API keys in it, the server would let everybody in.
 */
export function loadEnvironment(): Environment {
  loaded ??= load();
  return loaded;
}

function load(): Environment {
  const { variables, problems } = parseEnvFile(readFile(resolve(".env")));
  const secured = problems.filter(({ maySecure }) => maySecure);
  if (secured.length > 0) {
    throw new UsageError(`.env cannot be read, and may hold secrets there: ${listed(secured)}`);
  }
  const readable = eraseSecrets();
  return fill(variables, [
    ...(problems.length === 0 ? [] : [`Lines of .env are not as they should be: ${listed(problems)}`]),
    ...(readable === null ? [] : [readable]),
  ]);
}

/** The most lines that are reported, since one fault may make all lines after it wrong. */
const mostTold = 5;

function listed(problems: readonly EnvFileProblem[]): string {
  const told = problems.slice(0, mostTold).map(({ line, what }) => `line ${line} (${what})`);
  const rest = problems.length - told.length;
  return told.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

const secretsVariable = "GREENROOM_SECRETS_DIR";

function fill(file: Readonly<Record<string, string>>, warnings: readonly string[]): Environment {
  const origins = new Map<string, string>();
  const add = (source: string, variables: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(variables)) {
      if (isSet(process.env[name])) continue;
      process.env[name] = text;
      origins.set(name, `${name} in ${source}`);
    }
  };
  const given = process.env[secretsVariable];
  const secrets = isSet(given) ? given : file[secretsVariable];
  if (isSet(secrets)) add(secrets, readSecretFiles(resolve(secrets)));
  add(".env", file);
  return {
    find(names) {
      const name = names.find((name) => isSet(process.env[name]));
      if (name === undefined) return undefined;
      return { text: process.env[name]!, origin: origins.get(name) ?? name };
    },
    warnings,
    names: () => Object.keys(process.env).filter((name) => isSet(process.env[name])),
  };
}

/**
 * Returns whether a variable is set. Kubernetes gives every pod beside a Service named "greenroom" a variable such as
 * GREENROOM_PORT=tcp://10.0.0.1:80, which is not meant for this program and does not count.
 */
function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== "" && !/^(tcp|udp|sctp):\/\//.test(text);
}

function readFile(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // There is no file, or a folder of that name, as Python users have.
    if (code === "ENOENT" || code === "EISDIR") return "";
    throw new UsageError(`.env cannot be read: ${message}`);
  }
}
