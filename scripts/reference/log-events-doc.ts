import { logEvents } from "../../src/log/log-events.ts";

/** Returns the text of `docs/log-events.md`. */
export function logEventsDoc(): string {
  return [
    "# Log events",
    "",
    "<!-- Made by `npm run docs` from `src/log/log-events.ts`: change it there. -->",
    "",
    "Each log line of the server and of its session threads is JSON with an `event`, and further fields in snake_case:",
    "`session_id` where it is about a session, `err` where there is an error. Match on `event`, and not on the words of `msg`.",
    '`--log-levels words` writes `level` as a word. Lines of an agent\'s own console have `source: "console"` and no event.',
    "",
    "| `event` | Meaning |",
    "|---|---|",
    ...Object.entries(logEvents).map(([event, meaning]) => `| \`${event}\` | ${meaning} |`),
    "",
  ].join("\n");
}
