import { cutText } from "../../shared/text/text.ts";
import type { ModelWarning } from "./models.ts";

/** The number of different warnings of a model that are logged. */
const mostWarnings = 20;

/** Logs the warnings of a model, such as that it has no such setting: each of them once, since they come with every request. */
export class Warnings {
  readonly #owner: string;
  readonly #logged = new Set<string>();

  /** @param owner The class and the model that they are of, for the log line. */
  constructor(owner: string) {
    this.#owner = owner;
  }

  log(warnings: unknown): void {
    if (!Array.isArray(warnings)) return;
    for (const warning of warnings as readonly (ModelWarning | null)[]) {
      const text = textOf(warning ?? {});
      if (this.#logged.has(text) || this.#logged.size >= mostWarnings) continue;
      this.#logged.add(text);
      console.warn(`${this.#owner}: ${text}`);
    }
  }
}

function textOf({ type = "other", setting, feature, details, message }: ModelWarning): string {
  const about = [type === "other" ? undefined : type, setting ?? feature].filter(
    (part) => part !== undefined,
  );
  const said = [about.join(" "), details ?? message].filter((part) => part !== undefined && part !== "");
  const line = said.join(": ").replaceAll(/\s+/g, " ");
  // Some quote the part of the conversation that they are about, as JSON.
  return cutText(line.replace(/\s*\{".*$/, " …"), 300, "…");
}
