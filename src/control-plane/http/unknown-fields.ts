import type { z } from "zod";
import type { ServerLog } from "../../log/log.ts";
import { didYouMean, similar } from "../../shared/text/similar.ts";
import { InvalidRequest } from "./invalid-request.ts";
import { isObject } from "./json.ts";

/** The most fields that the log reports, since clients choose their names. */
const mostTold = 100;
/** The longest name of a field that is reported, in characters. */
const longestName = 100;

/** A body that may hold fields which its schema does not know. */
export interface CheckedBody {
  /** The route that the body is for, such as `POST /sessions`. */
  readonly route: string;
  readonly schema: z.ZodObject;
  /** The hint that is given for a field without a similar name. */
  readonly hint: string;
}

/**
 * Finds fields of a body that nothing reads, such as `instructions` beside `config`: a client that sends them expects
 * an effect. Each is logged once; with `strictBodies` they are refused.
 */
export class UnknownFields {
  readonly #strict: boolean;
  readonly #log: ServerLog;
  readonly #told = new Set<string>();

  constructor(strict: boolean, log: ServerLog) {
    this.#strict = strict;
    this.#log = log;
  }

  /**
   * Checks a body for fields that the schema does not know. Throws {@link InvalidRequest} that names each, where bodies
   * are strict; else they are logged.
   */
  check(sent: unknown, body: CheckedBody): void {
    if (!isObject(sent)) return;
    const known = Object.keys(body.schema.shape);
    const unknown = Object.keys(sent).filter((name) => !known.includes(name));
    if (unknown.length === 0) return;
    const advised = unknown.map((name) => ({ name, msg: adviceFor(name, known, body.hint) }));
    if (this.#strict) {
      throw new InvalidRequest(
        advised.map(({ name, msg }) => ({ loc: ["body", name], msg, type: "extra_forbidden" })),
      );
    }
    for (const { name, msg } of advised) this.#tell(body.route, name.slice(0, longestName), msg);
  }

  #tell(route: string, field: string, advice: string): void {
    const key = `${route} ${field}`;
    if (this.#told.has(key) || this.#told.size >= mostTold) return;
    this.#told.add(key);
    this.#log.warn(
      { event: "request_field_ignored", route, field },
      `A field of a request is ignored, ${JSON.stringify(field)}: ${advice}`,
    );
  }
}

function adviceFor(name: string, known: readonly string[], hint: string): string {
  const nearest = similar(name, known);
  return `there is no such field${nearest === null ? `; ${hint}` : didYouMean(name, known)}`;
}
