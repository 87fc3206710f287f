import type { Dependency } from "../../api/scope.ts";
import { KeyRing } from "./api-keys/key-ring.ts";
import { bearerToken, unauthorized } from "./bearer.ts";
import { preparable } from "./prepare.ts";

/** The options of {@link apiKey}. */
export interface ApiKeyOptions {
  /**
   * The keys, each alone or as `name:key`; at least 16 characters of key, printable ASCII without blanks.
   * @default those of `GREENROOM_API_KEYS`, separated by commas or line breaks, and of the file
   */
  readonly keys?: readonly string[];
  /**
   * A file with a key a line; a `#` at the beginning of a line or after a blank begins a comment. Changes of the file
   * take effect while the server runs: a key that is taken out is refused within 5 s. A line that is no key is named in
   * the log and ignored. While the file is missing, empty or cannot be read, none of its keys is accepted.
   * @default `GREENROOM_API_KEYS_FILE`, unless `keys` are given
   */
  readonly file?: string;
  /**
   * A header that holds the key, beside `Authorization: Bearer`.
   * @default X-API-Key
   */
  readonly header?: string;
}

/**
 * Returns a check that lets in callers who send one of the keys; others get 401. Its value identifies the key without
 * revealing it: the name of a `name:key`, else a short hash. The keys are read when the server starts, not here: an
 * agent's module is loaded in the session threads too, where the keys are not available. A check that no option names
 * only logs a warning where there are no keys.
 */
export function apiKey(options: ApiKeyOptions = {}): Dependency<string> {
  const header = options.header ?? "X-API-Key";
  const keys = new KeyRing(options);
  const dependency: Dependency<string> = async ({ headers }) => {
    const given = bearerToken(headers) ?? headers.get(header);
    if (given === null) throw unauthorized(`An API key is needed, as Authorization: Bearer or ${header}`);
    const id = await keys.idOf(given);
    if (id === null) throw unauthorized("The API key is not known", "invalid_token");
    return id;
  };
  return preparable(dependency, { check: () => keys.open(), unnamed: "warn", keys });
}
