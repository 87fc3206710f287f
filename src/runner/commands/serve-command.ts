import { setImmediate } from "node:timers/promises";
import { supervisorOf } from "../../agent-launcher.ts";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import type { AgentLauncherOptions } from "../../api/launcher-options.ts";
import type { RunnerOptions } from "../../api/runner-options.ts";
import { apiKey } from "../../control-plane/access/api-key.ts";
import { isLoopback } from "../../control-plane/access/origins.ts";
import { fill } from "../../options/fill.ts";
import type { webhookTable } from "../../options/launcher.ts";
import { accessCallbacks } from "../../options/permissions.ts";
import { drainTable, type variables } from "../../options/runner.ts";
import { commandTables } from "../../options/tables.ts";
import { earlySignal } from "../../process/early-signals.ts";
import type { Environment } from "../options/environment.ts";
import { demandPeers, registryOf } from "../options/fleet-settings.ts";
import { type Flags, readSettings, type Settings } from "../options/settings.ts";
import { misspelt, warningsOf } from "../options/unknown-variables.ts";
import { serve } from "../server/serve.ts";
import { untilSignal } from "../server/signals.ts";
import { Announcer } from "../terminal/announcer.ts";
import { readableLog } from "../terminal/readable-log.ts";
import { splash } from "../terminal/splash.ts";
import { UsageError } from "./usage-error.ts";

/** Runs the command `serve`, until a signal ends it. Resolves with the exit code. */
export async function serveCommand(
  flags: Flags,
  environment: Environment,
  launcher: AgentLauncher,
  options: RunnerOptions,
): Promise<number> {
  const settings = readSettings(commandTables.serve, flags, environment);
  const { flags: common, launcher: ofLauncher, drain } = settings;
  // A secret in the code replaces its variable.
  const { sessionTokenSecret, peerSecret, ...http } = settings.http;
  const debug = common.debug ? ("debug" as const) : undefined;
  const overrides: Partial<AgentLauncherOptions> = {
    ...(debug ? { logLevel: debug, agentsLogLevel: debug } : {}),
    ...ofLauncher,
    ...registryOf(settings.redis, launcher.options.registry, common.requirePeers),
    ...webhookOf(settings.webhook, launcher),
  };
  launcher.override({ ...overrides, ...forTerminal({ ...launcher.options, ...overrides }) });
  const serving = guarded(
    {
      ...(sessionTokenSecret === undefined ? {} : { sessionTokenSecret }),
      ...(peerSecret === undefined ? {} : { peerSecret }),
      ...options,
      ...(debug ? { httpLogLevel: debug } : {}),
      ...http,
      ...drain,
    },
    environment,
  );
  demandPeers(common.requirePeers, launcher.options, serving.peerSecret);
  if (!common.noSplash && process.stderr.isTTY) process.stderr.write(`${splash(launcher, process.stderr)}\n`);
  const { log } = await supervisorOf(launcher);
  const announcer = new Announcer(log);
  for (const warning of warningsOf(environment))
    announcer.say("warn", warning, { event: "environment_doubtful" });
  // A signal that has arrived is seen only in the next turn of the event loop, since loading may have blocked this one.
  await setImmediate();
  const early = earlySignal();
  if (early !== undefined) {
    const fields = { event: "server_stopped", cause: early, finished: 0, closed: 0, handed_over: 0 } as const;
    announcer.say("ready", `Greenroom has stopped after ${early}: it had not begun to listen`, fields);
    return 0;
  }
  return untilSignal({
    server: serve(launcher, serving),
    announcer,
    log,
    announceMs: () => announceMsOf(serving, launcher),
  });
}

/**
 * Returns the time for which a shutdown is announced, in milliseconds. It is 0 on loopback while nobody is in a call:
 * there is no balancer that has to learn of the shutdown.
 */
export function announceMsOf(
  { drainAnnounceMs, host }: RunnerOptions,
  launcher: Pick<AgentLauncher, "listSessions">,
): number {
  if (drainAnnounceMs !== undefined) return drainAnnounceMs;
  const unseen = isLoopback(host ?? "127.0.0.1") && launcher.listSessions().length === 0;
  return unseen ? 0 : fill(drainTable, {}).drainAnnounceMs;
}

/**
 * Returns options that make log lines readable in a terminal. Session threads write their own lines, which stay JSON:
 * only warnings and errors of theirs are shown, unless a level was set.
 */
function forTerminal(options: AgentLauncherOptions): Partial<AgentLauncherOptions> {
  const { logger, logFd = 1, logLevel = "info", agentsLogLevel = "warn" } = options;
  const stream = logFd === 2 ? process.stderr : process.stdout;
  if (!stream.isTTY || logger) return {};
  return { logger: readableLog(logLevel, stream), agentsLogLevel };
}

const guards = [
  "GREENROOM_API_KEYS",
  "GREENROOM_API_KEYS_FILE",
] as const satisfies (keyof typeof variables)[];

/**
 * Adds the check of API keys where keys are set and the code has no permissions: the person who sets keys expects them
 * to be checked. Throws a `UsageError` for a misspelt name of the variable, since the server would then let everybody
 * in.
 */
function guarded(options: RunnerOptions, environment: Environment): RunnerOptions {
  const decided = options.app !== undefined || accessCallbacks.some((name) => options[name] !== undefined);
  if (decided) return options;
  if (environment.find(guards)) return { ...options, getCurrentUser: apiKey() };
  const wrong = misspelt(environment, guards);
  if (wrong) {
    throw new UsageError(
      `${wrong.origin}: there is no such variable, and nobody would be asked for a key; did you mean ${wrong.meant}?`,
    );
  }
  return options;
}

/** Returns the webhook of address, secret and events. Each may come from the code while others are set from outside. */
function webhookOf(
  { url: givenUrl, secret: givenSecret, events: givenEvents }: Settings<typeof webhookTable>,
  launcher: AgentLauncher,
): Pick<AgentLauncherOptions, "webhook"> {
  if (givenUrl === undefined && givenSecret === undefined && givenEvents === undefined) return {};
  const url = givenUrl ?? launcher.options.webhook?.url;
  const secret = givenSecret ?? launcher.options.webhook?.secret;
  if (url === undefined)
    throw new UsageError(
      `${givenSecret === undefined ? "--webhook-events" : "GREENROOM_WEBHOOK_SECRET"} is set, but --webhook-url is not: set both, or neither`,
    );
  if (secret === undefined)
    throw new UsageError("--webhook-url needs GREENROOM_WEBHOOK_SECRET, which signs the messages");
  const events = givenEvents ?? launcher.options.webhook?.events ?? [];
  return { webhook: { url, secret, events } };
}
