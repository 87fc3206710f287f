import type { Dependency, ScopedSession } from "../../api/scope.ts";
import { type Credentials, knownCaller } from "./scope.ts";

/** The starter of each session, for as long as the session is kept. The session_token has the starter's permissions. */
const starters = new WeakMap<ScopedSession, Credentials>();

export function rememberStarter(session: ScopedSession, credentials: Credentials): void {
  starters.set(session, credentials);
}

/**
 * Returns the starter of a session. Of a session that was not started by a request to this process, only the value of
 * `getCurrentUser` is known.
 */
export function starterOf(
  session: ScopedSession,
  getCurrentUser: Dependency<unknown> | undefined,
): Credentials {
  return starters.get(session) ?? knownCaller(getCurrentUser, session.createdBy);
}
