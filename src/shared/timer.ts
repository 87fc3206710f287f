/** The longest time of a timer of Node, in milliseconds: a longer one overflows, and fires at once. */
export const longestTimerMs = 2 ** 31 - 1;
