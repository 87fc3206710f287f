import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { readSecretFiles } from "./secret-files.ts";
import { UsageError } from "./usage-error.ts";

/** A variable's text, and where it came from as a person would say it: "GREENROOM_PORT in .env". */
export interface Variable {
  readonly text: string;
  readonly origin: string;
}

/**
 * The environment of the process, filled up from the files of `GREENROOM_SECRETS_DIR`, then from the file `.env` of the
 * working directory: what is set already wins. Which variable came from a file is
 * remembered, so that a message can say so. An empty variable counts as not set: templates leave such behind.
 */
export interface Environment {
  /** The first of `names` that is set. */
  find(names: readonly string[]): Variable | undefined;
  /** Names of all that are set. */
  names(): readonly string[];
}

let loaded: Environment | undefined;

/** Reads the files on the first call of the process; throws a {@link UsageError} where one cannot be read. */
export function loadEnvironment(): Environment {
  loaded ??= fill(readFile(resolve(".env")));
  return loaded;
}

const secretsVariable = "GREENROOM_SECRETS_DIR";

function fill(file: Record<string, string | undefined>): Environment {
  const origins = new Map<string, string>();
  const add = (source: string, variables: Record<string, string | undefined>) => {
    for (const [name, text] of Object.entries(variables)) {
      if (isSet(process.env[name]) || text === undefined) continue;
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
    names: () => Object.keys(process.env).filter((name) => isSet(process.env[name])),
  };
}

/**
 * Kubernetes gives every pod beside a Service named "greenroom" the variable GREENROOM_PORT=tcp://10.0.0.1:80. It is
 * not meant for us.
 */
function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== "" && !/^(tcp|udp|sctp):\/\//.test(text);
}

function readFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // No file, or a folder of that name, which Python users have.
    if (code === "ENOENT" || code === "EISDIR") return {};
    throw new UsageError(`.env cannot be read: ${message}`);
  }
}
