import type { ScopedSession } from "./scope.ts";
import { type Credentials, type Dependency, knownCaller } from "./scope.ts";

/** Who started each session, for as long as it is kept: the permissions of its session_token are theirs. */
const starters = new WeakMap<ScopedSession, Credentials>();

export function rememberStarter(session: ScopedSession, credentials: Credentials): void {
  starters.set(session, credentials);
}

/**
 * Who started a session. Of one that was not started by a request to this process only the value of `getCurrentUser` is known.
 */
export function starterOf(
  session: ScopedSession,
  getCurrentUser: Dependency<unknown> | undefined,
): Credentials {
  return starters.get(session) ?? knownCaller(getCurrentUser, session.createdBy);
}
