/** A callback that judges what a caller may do. */
interface PermissionRow {
  /** The question that it decides, and the answer that a denied caller gets. */
  readonly doc: string;
  /** The callback that decides where this one is missing; null: everybody may. */
  readonly otherwise: "canViewSession" | null;
  /** True where the token of a session gives what whoever started it may do. */
  readonly byToken: boolean;
}

const denied = "Denied: 403, or 404 where the caller may not view either.";

/** Everything that is known of each permission. */
export const permissions = {
  canStartSession: {
    doc: "Decides who may start a session. `scope.body` is the complete start request. Denied: 403.",
    otherwise: null,
    byToken: false,
  },
  canCloseSession: {
    doc: `Decides who may close a session. ${denied}`,
    otherwise: "canViewSession",
    byToken: true,
  },
  canViewSession: {
    doc: "Decides who may view a session, its events and lists. Denied: the 404 of a session that does not exist.",
    otherwise: null,
    byToken: true,
  },
  canViewMetrics: {
    doc: `Decides who may read the metrics of a session. ${denied}`,
    otherwise: "canViewSession",
    byToken: false,
  },
  canSendMessage: {
    doc: `Decides who may send the agent a message. ${denied}`,
    otherwise: "canViewSession",
    byToken: true,
  },
  canSteerSession: {
    doc:
      "Decides who may steer the agent of a session: have it say or answer something, cut it short, change its instructions. " +
      `\`scope.body\` is the request. A session token does not give it. ${denied}`,
    otherwise: "canViewSession",
    byToken: false,
  },
  canJoinCall: {
    doc:
      "Decides who may have a token to join the call, or come into it by an offer or a WebSocket. `scope.body` is the request, " +
      "with a `user_id`, which a WebSocket has in `scope.query`: a caller who may name a user may be that user. " +
      `A session token gives no join token, and lets its bearer come in as a guest. ${denied}`,
    otherwise: "canViewSession",
    byToken: false,
  },
} as const satisfies Record<string, PermissionRow>;

/** The name of a permission, which is that of its callback. */
export type PermissionName = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as readonly PermissionName[];

/** The names of all callbacks by which an application decides who may do what. */
export const accessCallbacks = ["getCurrentUser", ...permissionNames] as const;
