import { readFileSync } from "node:fs";

export interface Instruction {
  /** The name of the instruction: `RUN`, `COPY`, … */
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string | null;
  /** The name of an image, or of an earlier stage. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile as the engine does: comments are left out, and lines that end in a backslash are joined. */
export function readDockerfile(path: string): Stage[] {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => !/^\s*#/.test(line));
  const instructions = lines
    .join("\n")
    .replaceAll(/\\\n/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stages: { name: string | null; from: string; instructions: Instruction[] }[] = [];
  for (const line of instructions) {
    const [, name = "", text = ""] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    if (name === "FROM") {
      const [from = "", , as] = text.split(/ +/);
      stages.push({ name: as ?? null, from, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (name === "" || !stage) throw new Error(`No instruction: ${line}`);
      stage.instructions.push({ name, text });
    }
  }
  return stages;
}

/** Returns the words of an instruction in its JSON form. */
export function wordsOf({ instructions }: Stage, name: string): string[] {
  const text = instructions.findLast((instruction) => instruction.name === name)?.text ?? "[]";
  const json = text.slice(text.indexOf("["));
  return JSON.parse(json.startsWith("[") ? json : "[]") as string[];
}

/** Returns the variables of ENV: NAME=value, with nothing quoted. */
export function variablesOf({ instructions }: Stage): Record<string, string> {
  const pairs = instructions
    .filter(({ name }) => name === "ENV")
    .flatMap(({ text }) => text.trim().split(/\s+/));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

/**
 * Returns the names of the project that a build sees. The file must have `*` and names that are let in again, as this
 * project's has.
 */
export function visibleNames(dockerignore: string): string[] {
  const lines = readFileSync(dockerignore, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [first, ...others] = lines;
  if (first !== "*" || others.some((line) => !/^![\w.-]+$/.test(line)))
    throw new Error("Not the form that is read here");
  return others.map((line) => line.slice(1));
}
