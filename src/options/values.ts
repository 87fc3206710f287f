import { z } from "zod";
import { longestTimerMs } from "../shared/deadline.ts";
import { logLevels } from "../shared/protocol.ts";

/*
 * The values that options are made of.
 */

/** A whole number above 0. */
export const count = z.int().positive();

/** A time in milliseconds, above 0. */
export const duration = count.max(longestTimerMs);

/** A time in milliseconds; 0 turns it off. */
export const durationOrZero = z.int().nonnegative().max(longestTimerMs);

/** A rate per second; null is no limit. */
export const rate = z.number().positive().nullable();

export const port = z.int().min(0).max(65_535);

export const logLevel = z.enum(logLevels);

/** Returns a schema of a function. */
export const callback = <Callback>() =>
  z.custom<Callback>((value) => typeof value === "function", { error: "expected a function" });

/** Returns a schema of an object that has these methods. */
export const objectWith = <Value>(methods: readonly string[], error?: string) =>
  z.custom<Value>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => name in value && typeof value[name as keyof typeof value] === "function"),
    error === undefined ? {} : { error },
  );
