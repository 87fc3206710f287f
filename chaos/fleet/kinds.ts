/** The kind of agent whose call goes on in another thread or replica; the others stay where they began. */
export const kindThatMoves = "moves";
