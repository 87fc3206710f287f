import pino, { type Logger } from "pino";
import type { FilledLauncherOptions } from "./launcher-options.ts";

/** Where the server's own log lines go: the logger that was given, or standard output (or error), as JSON. */
export function serverLog({ logger, logLevel, logFd }: FilledLauncherOptions): Logger {
  return logger ?? pino({ level: logLevel }, pino.destination({ fd: logFd, sync: true }));
}

/** What holds, and where it comes from: `derived` explains it where it was not set. */
export function logCapacity(log: Logger, capacity: number, derived: string | null): void {
  const asSet = `${capacity} ${capacity === 1 ? "session" : "sessions"}, as set`;
  log.info({ capacity }, `Capacity: ${derived ?? asSet}`);
}
