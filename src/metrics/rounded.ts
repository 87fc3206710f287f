/**
 * Rounds a figure for clients, to three decimals: of milliseconds that is a microsecond, and clocks of threads tell no
 * more.
 */
export const rounded = (figure: number): number => Math.round(figure * 1_000) / 1_000;
