import type { ServeOptions } from "../api/serve-options.ts";
import { type Filled, fill } from "../options/fill.ts";
import { httpTable, secretVariables } from "../options/http.ts";
import { accessCallbacks } from "../options/permissions.ts";
import { GreenroomError } from "../shared/errors.ts";
import { type Prepared, prepareDependencies } from "./access/prepare.ts";

export type FilledServeOptions = Filled<typeof httpTable> &
  Prepared & {
    /** True where a callback decides who may do what. */
    readonly authenticated: boolean;
  };

/**
 * Makes validated and filled options of raw ones, once a server. Secrets that are not given are read from their
 * variables. Throws INVALID_OPTIONS that names the wrong one.
 */
export function fillServeOptions(raw: ServeOptions = {}): FilledServeOptions {
  const secrets = Object.entries(secretVariables).flatMap(([name, variable]) => {
    // An empty variable counts as none, since templates leave such behind.
    const text = process.env[variable];
    return text === undefined || text === "" ? [] : [[name, text] as const];
  });
  const given = Object.entries(raw).filter(([, value]) => value !== undefined);
  const options = fill(httpTable, Object.fromEntries([...secrets, ...given]), secretVariables);
  const callbacks = accessCallbacks.flatMap((name) => options[name] ?? []);
  const prepared = prepareDependencies(callbacks);
  const authenticated = callbacks.length > 0;
  const anyOrigin = options.corsAllowOrigins?.includes("*") ?? authenticated;
  if (options.corsAllowCredentials && anyOrigin) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "corsAllowCredentials: cookies are never sent to any origin; name the origins in corsAllowOrigins, without *",
    );
  }
  if (options.app && options.configureApp) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "configureApp is for the own application: add to app where you make it",
    );
  }
  if (options.timeouts.headersMs > options.timeouts.requestMs) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "timeouts.headersMs must not be longer than timeouts.requestMs",
    );
  }
  return { ...options, authenticated, ...prepared };
}
