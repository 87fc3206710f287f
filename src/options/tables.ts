import { httpTable } from "./http.ts";
import { launcherTable, webhookTable } from "./launcher.ts";
import { redisTable } from "./launcher-fleet.ts";
import { launcherLimits } from "./launcher-limits.ts";
import type { OptionTable } from "./option.ts";
import { commonFlags, consoleTable, drainTable, runFlags, serveFlags } from "./runner.ts";

/** The tables of each command of the command line, by the object that each of them fills. */
export const commandTables = {
  serve: {
    http: httpTable,
    drain: drainTable,
    launcher: launcherTable,
    webhook: webhookTable,
    redis: redisTable,
    flags: { ...serveFlags, ...commonFlags },
  },
  run: {
    console: consoleTable,
    limits: launcherLimits,
    flags: { ...runFlags, ...commonFlags },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, OptionTable>>>>;

export type Command = keyof typeof commandTables;
