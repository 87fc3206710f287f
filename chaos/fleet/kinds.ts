/** The kinds of agents whose calls go on in another thread or replica; the others stay where they began. */
export const kindThatMoves = "moves";
/** The kind of agent that moves too, and talks with a caller who is in the call by a WebSocket. */
export const kindThatSpeaks = "speaks";

export const isMoving = (kind: unknown): boolean => kind === kindThatMoves || kind === kindThatSpeaks;
