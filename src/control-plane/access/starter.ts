import type { Dependency, ScopedSession } from "../../api/scope.ts";
import { type Credentials, knownCaller } from "./scope.ts";

/** The starter of each session, for as long as the session is kept: the permissions of its session_token are theirs. */
const starters = new WeakMap<ScopedSession, Credentials>();

export function rememberStarter(session: ScopedSession, credentials: Credentials): void {
  starters.set(session, credentials);
}

/**
 * Returns who started a session. Of one that was not started by a request to this process only the value of
 * `getCurrentUser` is known.
 */
export function starterOf(
  session: ScopedSession,
  getCurrentUser: Dependency<unknown> | undefined,
): Credentials {
  return starters.get(session) ?? knownCaller(getCurrentUser, session.createdBy);
}
