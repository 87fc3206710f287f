/**
 * Returns a figure for clients, rounded to three decimals: of milliseconds that is a microsecond, and the clocks of
 * threads are no more exact.
 */
export const rounded = (figure: number): number => Math.round(figure * 1_000) / 1_000;
