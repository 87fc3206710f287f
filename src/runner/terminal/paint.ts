import type { WriteStream } from "node:tty";

/**
 * The functions that colour text where the stream is a terminal and NO_COLOR (no-color.org) is not set; elsewhere they
 * return plain text.
 */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

const codes = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39], yellow: [33, 39] } as const;

export function paintFor(stream: Pick<WriteStream, "isTTY">): Paint {
  const coloured = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const paint = ([on, off]: readonly [number, number]) =>
    coloured ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : (text: string) => text;
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    green: paint(codes.green),
    red: paint(codes.red),
    yellow: paint(codes.yellow),
  };
}

/**
 * Returns text of others made harmless for a terminal: it keeps its lines and tabs, and loses every other control
 * character.
 */
export const harmless = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, "");
