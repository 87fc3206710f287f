import type { Dependency } from "../../api/scope.ts";
import type { ServerLog } from "../../log/log.ts";
import { type PermissionName, permissions } from "../../options/permissions.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { loggedError } from "../../supervisor/log-error.ts";
import { HttpError } from "../http/http-error.ts";
import type { FilledServeOptions } from "../serve-options.ts";
import { userJson } from "./created-by.ts";
import type { RequestScope } from "./scope.ts";

/** The longest time that deferred functions may take together, in milliseconds. */
const releaseTimeoutMs = 10_000;

/** Asks the callbacks of the options, each with a deadline. */
export class Permissions {
  readonly #options: FilledServeOptions;
  readonly #log: ServerLog;

  constructor(options: FilledServeOptions, log: ServerLog) {
    this.#options = options;
    this.#log = log;
  }

  /** Resolves with the caller; null where callers are not asked who they are, or are unknown. */
  async user(scope: RequestScope): Promise<JsonValue> {
    const { getCurrentUser } = this.#options;
    if (!getCurrentUser) return null;
    return userJson(await this.#ask("getCurrentUser", getCurrentUser, scope));
  }

  /**
   * Resolves with whether the caller may do this with a session. Where there is no callback for it, callers who may
   * view the session may do it.
   */
  async allows(judgement: PermissionName, scope: RequestScope): Promise<boolean> {
    const { otherwise } = permissions[judgement];
    const permission =
      this.#options[judgement] ?? (otherwise === null ? undefined : this.#options[otherwise]);
    if (!permission) return true;
    const verdict = await this.#ask(judgement, permission, scope);
    return verdict !== false && verdict !== null;
  }

  /** Throws FORBIDDEN where the callback denies. */
  async demand(judgement: PermissionName, scope: RequestScope): Promise<void> {
    if (!(await this.allows(judgement, scope)))
      throw new GreenroomError("FORBIDDEN", "You are not permitted to do this");
  }

  /**
   * Demands the same for a session, which may not exist. A caller who is denied and may not view it either gets the 404
   * of an unknown session, or the error that `canViewSession` throws.
   */
  async demandOfSession(judgement: PermissionName, scope: RequestScope, sessionId: string): Promise<void> {
    try {
      await this.demand(judgement, scope);
    } catch (error) {
      if (!(await this.allows("canViewSession", scope)))
        throw new GreenroomError("SESSION_NOT_FOUND", sessionId);
      throw error;
    }
  }

  /** Resolves with whether a session belongs in the caller's list. */
  shows(scope: RequestScope): Promise<boolean> {
    return this.grants("canViewSession", scope);
  }

  /**
   * Does the same as {@link allows}, for one of many sessions: a thrown refusal of one session counts as a refusal; any
   * other error fails the request.
   */
  async grants(judgement: PermissionName, scope: RequestScope): Promise<boolean> {
    try {
      return await this.allows(judgement, scope);
    } catch (error) {
      const refused = HttpError.is(error) || GreenroomError.is(error);
      if (refused && (error.status === 403 || error.status === 404)) return false;
      throw error;
    }
  }

  /** Runs the deferred functions, the last one first. */
  async release(scope: RequestScope): Promise<void> {
    const releases = scope.end((release) => void this.#run(release));
    if (releases.length === 0) return;
    const all = async () => {
      for (const release of releases) await this.#run(release);
    };
    await within(all(), releaseTimeoutMs, "Deferred functions").catch((error: unknown) => {
      this.#log.error(
        { event: "deferred_overdue", err: loggedError(error) },
        "Deferred functions of a request did not finish in time",
      );
    });
  }

  /** Runs a deferred function. Its failure is logged, since the request is over. */
  async #run(release: () => unknown): Promise<void> {
    try {
      await release();
    } catch (error) {
      this.#log.error(
        { event: "deferred_failed", err: loggedError(error) },
        "A deferred function of a request failed",
      );
    }
  }

  async #ask(name: string, dependency: Dependency<unknown>, scope: RequestScope): Promise<unknown> {
    try {
      const { permissionTimeoutMs } = this.#options;
      const asked = scope.resolve(dependency);
      return await within(asked, permissionTimeoutMs, name, undefined, "permissionTimeoutMs");
    } catch (error) {
      if (error instanceof DeadlineError)
        throw new GreenroomError("PERMISSION_TIMEOUT", undefined, { cause: error });
      throw error;
    }
  }
}
