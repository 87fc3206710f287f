import { readFileSync } from "node:fs";

/** The version of this package. package.json is at the same path in the clone and in the package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;
