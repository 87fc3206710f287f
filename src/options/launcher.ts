import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Logger } from "pino";
import { z } from "zod";
import type { AgentLauncherOptions } from "../api/launcher-options.ts";
import type { SessionSummary } from "../api/session-summary.ts";
import type { WebhookOptions } from "../api/webhook-options.ts";
import { webhookEvents } from "../shared/session/webhook-events.ts";
import { launcherFleet } from "./launcher-fleet.ts";
import { launcherLimits } from "./launcher-limits.ts";
import { type OptionTable, type RowsOf, shapeOf } from "./option.ts";
import { callback, logLevel, objectWith } from "./values.ts";

/** Returns a URL as it is, and a path as a file URL. */
function moduleUrl(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (isAbsolute(module) || !URL.canParse(module)) return pathToFileURL(module).href;
  return module;
}

const moduleName = z.union([z.string().min(1), z.instanceof(URL)]);

/** A `file:` URL, or a path that becomes one. */
const fileUrl = moduleName.transform((module, context) => {
  const href = moduleUrl(module);
  if (URL.parse(href)?.protocol === "file:") return href;
  context.addIssue("expected a path or a file: URL");
  return z.NEVER;
});

const httpUrl = z.union([z.string(), z.instanceof(URL)]).transform((url, context) => {
  const { href, protocol } = URL.parse(String(url)) ?? {};
  if (href !== undefined && (protocol === "http:" || protocol === "https:")) return href;
  context.addIssue("expected an http or https URL");
  return z.NEVER;
});

/** The options of `webhook`. */
export const webhookTable = {
  url: {
    doc: "The address that is told of each end, and of `events`, by a POST.",
    type: "string | URL",
    schema: httpUrl,
    outside: {
      group: "Reports",
      name: "webhookUrl",
      placeholder: "url",
      help: "Tell this address of ended sessions",
      derived: "none",
      example: "https://backend.example.com/greenroom",
    },
  },
  secret: {
    doc:
      "`whsec_` and the base64 of 24 to 64 bytes. Several, separated by spaces, sign with each, so that it can be " +
      "changed while the server runs.",
    schema: z.string().regex(/^(whsec_[A-Za-z0-9+/]+=*)( whsec_[A-Za-z0-9+/]+=*)*$/, {
      error: "expected whsec_ and base64, or several such, separated by spaces",
    }),
    outside: {
      group: "Reports",
      name: "webhookSecret",
      help: "Signs what the webhook tells; whsec_…",
      secret: true,
      example: "whsec_",
    },
  },
  events: {
    doc:
      "The kinds of events that are sent to the address while a call runs, several in a message; " +
      "`partial_transcript`: words that are not whole yet. Events that cannot be delivered within 30 s are dropped, and counted. The end has a message of its own.",
    type: "readonly WebhookEvent[]",
    schema: z.array(z.enum(webhookEvents)).readonly().default([]),
    outside: {
      group: "Reports",
      name: "webhookEvents",
      placeholder: "kinds",
      help: "Tell the webhook of these events while calls run, such as turn,tool,transcript",
      derived: "none",
      example: "turn,tool,transcript",
    },
  },
} as const satisfies RowsOf<WebhookOptions>;

const launcherReports = {
  onSessionEnd: {
    doc: "Runs once for every session that ended, whatever way. Its errors are logged; it is waited for 10 s at a shutdown.",
    type: "(summary: SessionSummary) => void | Promise<void>",
    schema: callback<(summary: SessionSummary) => void | Promise<void>>().optional(),
  },
  webhook: {
    doc: "Tells another server of every session that ended, and of `events` before, in the Standard Webhooks form.",
    type: "WebhookOptions",
    schema: z.strictObject(shapeOf(webhookTable)).optional(),
  },
  includeTranscript: {
    doc: "Puts what was said into the summary that `onSessionEnd` and the webhook get.",
    schema: z.boolean().default(false),
    outside: { group: "Reports", help: "Put transcripts into what the webhook tells" },
  },
  logLevel: {
    doc: "The least level of the server's own log lines.",
    type: "LogLevel",
    schema: logLevel.default("info"),
    outside: { group: "Server", placeholder: "level", help: "Least level of the server's own log lines" },
  },
  agentsLogLevel: {
    doc: "The least level of the agents' log lines.",
    type: "LogLevel",
    schema: logLevel.default("info"),
    outside: {
      group: "Reports",
      placeholder: "level",
      help: "Least level of the agents' log lines",
      derived: "info; warn in a terminal",
      example: "info",
    },
  },
  agentsLogFormat: {
    doc:
      "The format of the agents' log lines. `words`: short lines without stacks, and none for turns, for a terminal that " +
      "shows the conversation itself.",
    type: "LogFormat",
    schema: z.enum(["json", "words"]).default("json"),
  },
  logLevels: {
    doc: "The form of the level in JSON lines: pino's number, such as `30`, or a word, such as `info`.",
    schema: z.enum(["numbers", "words"]).default("numbers"),
    outside: {
      group: "Reports",
      placeholder: "form",
      help: "How log lines say their level: numbers (30) or words (info)",
      example: "words",
    },
  },
  logTranscripts: {
    doc: "Writes transcripts and tool arguments to the log. Off by default, since they are the callers' private words.",
    schema: z.boolean().default(false),
    outside: { group: "Reports", help: "Write transcripts and tool arguments to the log" },
  },
  logFd: {
    doc: "The descriptor that log lines go to: 1 is standard output, 2 is standard error.",
    type: "1 | 2",
    schema: z.union([z.literal(1), z.literal(2)]).default(1),
  },
  logger: {
    doc: "A pino logger to use for the server's own lines, instead of one that is made.",
    type: "Logger",
    schema: objectWith<Logger>(["child"]).optional(),
  },
  stateDir: {
    doc:
      "The folder in which a server without a registry keeps the ends of its sessions, so that each is reported although the " +
      "process ends unexpectedly: after the next start, and as `lost` where the session was live. It is made where there is none; " +
      "one process at a time may have it. It holds the messages that `webhook` has not delivered yet, transcripts included. Without " +
      "it, messages that are not delivered when the process ends are lost. Where it cannot be used the start rejects with REGISTRY_UNAVAILABLE; with a " +
      "`registry` it is refused.",
    schema: z
      .string()
      .min(1)
      .transform((path) => resolve(path))
      .optional(),
    outside: {
      group: "Reports",
      placeholder: "folder",
      help: "Keep ends of sessions there until they are delivered, where there is no Redis",
      derived: "none",
      example: "/var/lib/greenroom",
    },
  },
} as const satisfies OptionTable;

/** The options of `AgentLauncher`. */
export const launcherTable = {
  agent: {
    doc: "URL of the module whose default export is made by `defineAgent`. In that module itself: `import.meta.url`.",
    type: "string | URL",
    schema: moduleName.transform(moduleUrl),
  },
  ...launcherLimits,
  mediaPort: {
    doc:
      "The UDP port through which the sound of all calls in browsers comes, so that a firewall or Kubernetes knows one port; 0: one " +
      "that is free. `null`: each participant has a port of its own. Its address is that of the edge.",
    schema: z.int().min(0).max(65_535).nullable().default(null),
    outside: {
      group: "Server",
      placeholder: "number",
      help: "UDP port through which the sound of all calls in browsers comes",
      example: "7000",
    },
  },
  ...launcherReports,
  ...launcherFleet,
  agentEnvironment: {
    doc:
      "The environment of the session threads. Variables of the process that name proxies (`HTTP_PROXY`, `HTTPS_PROXY`, " +
      "`NO_PROXY`) are in it in any case, unless they are given here.",
    type: "Readonly<Record<string, string>>",
    schema: z.record(z.string(), z.string()).optional(),
    derived: "that of the process, without the server's own secrets (`GREENROOM_*`, `REDIS_URL`)",
  },
  leaveModules: {
    doc:
      "The modules by which the server leaves calls for dead threads, for edges of your own: by the edge's " +
      "`provider`, the path or the `file:` URL of a module that exports the function `leave` (`LeaveModule`). The " +
      "main thread imports it when it is needed for the first time. Stream's is known to the server.",
    type: "Readonly<Record<string, string | URL>>",
    schema: z.record(z.string(), fileUrl).default({}),
    derived: "none",
  },
} as const satisfies RowsOf<AgentLauncherOptions>;
