import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { UsageError } from "./usage-error.ts";

/** A variable's text, and where it came from as a person would say it: "GREENROOM_PORT in .env". */
export interface Variable {
  readonly text: string;
  readonly origin: string;
}

/**
 * The environment of the process, filled up from the file `.env` of the working directory, as
 * `process.loadEnvFile()` does: what is set already wins. Which variable came from the file is remembered, so that a
 * message can say so. An empty variable counts as not set: templates leave such behind.
 */
export interface Environment {
  /** The first of `names` that is set. */
  find(names: readonly string[]): Variable | undefined;
  /** Names of all that are set. */
  names(): readonly string[];
}

let loaded: Environment | undefined;

/** Reads `.env` on the first call of the process; throws a {@link UsageError} where it cannot be read. */
export function loadEnvironment(): Environment {
  loaded ??= fill(readFile(resolve(".env")));
  return loaded;
}

function fill(file: Record<string, string | undefined>): Environment {
  const fromFile = new Set<string>();
  for (const [name, text] of Object.entries(file)) {
    if (process.env[name] !== undefined || text === undefined) continue;
    process.env[name] = text;
    fromFile.add(name);
  }
  return {
    find(names) {
      const name = names.find((name) => isSet(process.env[name]));
      if (name === undefined) return undefined;
      return { text: process.env[name]!, origin: fromFile.has(name) ? `${name} in .env` : name };
    },
    names: () => Object.keys(process.env).filter((name) => isSet(process.env[name])),
  };
}

/**
 * Kubernetes gives every pod beside a Service named "greenroom" the variable GREENROOM_PORT=tcp://10.0.0.1:80. It is
 * not meant for us.
 */
function isSet(text: string | undefined): boolean {
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
