import type { LogEvent } from "./log-events.ts";

/** The fields of a log line: its event, and further ones in snake_case. */
export type SnakeCase<Fields> = {
  [Name in keyof Fields]: Name extends Lowercase<Name & string> ? Fields[Name] : never;
};

type Write = <Fields extends { readonly event: LogEvent }>(
  fields: Fields & SnakeCase<Fields>,
  text: string,
) => void;

/** The log of the server, as its parts write it: each line has an event of the closed table. A logger of pino fits. */
export interface ServerLog {
  readonly level: string;
  readonly trace: Write;
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
  child(bindings: object, options?: { readonly level?: string }): ServerLog;
}
