import { setImmediate } from "node:timers/promises";
import type { AgentLauncher } from "../../agent-launcher.ts";
import type { AgentLauncherOptions } from "../../api/launcher-options.ts";
import { apiKey } from "../../control-plane/access/api-key.ts";
import { isLoopback } from "../../control-plane/access/origins.ts";
import { earlySignal } from "../../process/early-signals.ts";
import type { Environment } from "../options/environment.ts";
import { demandPeers, fleetOf } from "../options/fleet-settings.ts";
import type { OptionValues } from "../options/option-table.ts";
import * as tables from "../options/options.ts";
import { type Flags, readSettings } from "../options/settings.ts";
import { misspelt, warningsOf } from "../options/unknown-variables.ts";
import { drainDefaults, type RunnerOptions } from "../runner-options.ts";
import { serve } from "../server/serve.ts";
import { untilSignal } from "../server/signals.ts";
import { Announcer } from "../terminal/announcer.ts";
import { readableLog } from "../terminal/readable-log.ts";
import { splash } from "../terminal/splash.ts";
import { UsageError } from "./usage-error.ts";

/** `serve`: until a signal ends it. Resolves with the exit code. */
export async function serveCommand(
  flags: Flags,
  environment: Environment,
  launcher: AgentLauncher,
  options: RunnerOptions,
): Promise<number> {
  const { common, server, reports, limits, fleet, webhook } = readSettings(
    {
      common: tables.commonOptions,
      server: tables.serveOptions,
      reports: tables.launcherReports,
      limits: tables.launcherLimits,
      fleet: tables.fleetOptions,
      webhook: tables.webhookOptions,
    },
    flags,
    environment,
  );
  const { logLevel, ...http } = server;
  const debug = common.debug ? ("debug" as const) : undefined;
  const overrides: Partial<AgentLauncherOptions> = {
    ...(debug ? { logLevel: debug, agentsLogLevel: debug } : {}),
    ...(logLevel ? { logLevel } : {}),
    ...reports,
    ...limits,
    ...fleetOf(fleet, launcher),
    ...webhookOf(webhook, launcher),
  };
  launcher.override({ ...overrides, ...forTerminal({ ...launcher.options, ...overrides }) });
  const settings = guarded({ ...options, ...(debug ? { httpLogLevel: debug } : {}), ...http }, environment);
  const peerSecret = settings.peerSecret ?? environment.find(["GREENROOM_PEER_SECRET"])?.text;
  demandPeers(fleet.requirePeers, launcher.options, peerSecret);
  if (!common.noSplash && process.stderr.isTTY) process.stderr.write(`${splash(launcher, process.stderr)}\n`);
  const { log } = await launcher.supervisor();
  const announcer = new Announcer(log);
  for (const warning of warningsOf(environment)) announcer.say("warn", warning);
  // A signal that has come is seen in the next turn of the event loop, which all that was loaded may have held up.
  await setImmediate();
  const early = earlySignal();
  if (early !== undefined) {
    const fields = { cause: early, finished: 0, closed: 0 };
    announcer.say("ready", `Greenroom has stopped after ${early}: it had not begun to listen`, fields);
    return 0;
  }
  return untilSignal({
    server: serve(launcher, settings),
    announcer,
    log,
    announceMs: () => announceMsOf(settings, launcher),
  });
}

/**
 * Returns the time for which a shutdown is announced, in milliseconds. On loopback there is no balancer that has to
 * learn of it: where nobody is in a call either, it begins at once.
 */
export function announceMsOf(
  { drainAnnounceMs, host }: RunnerOptions,
  launcher: Pick<AgentLauncher, "listSessions">,
): number {
  if (drainAnnounceMs !== undefined) return drainAnnounceMs;
  const unseen = isLoopback(host ?? "127.0.0.1") && launcher.listSessions().length === 0;
  return unseen ? 0 : drainDefaults.drainAnnounceMs;
}

/**
 * Returns options by which, in a terminal, log lines are made for eyes. Those of the agents are written by their
 * threads, and stay JSON: only what is wrong is shown there, unless more was asked for.
 */
function forTerminal(options: AgentLauncherOptions): Partial<AgentLauncherOptions> {
  const { logger, logFd = 1, logLevel = "info", agentsLogLevel = "warn" } = options;
  const stream = logFd === 2 ? process.stderr : process.stdout;
  if (!stream.isTTY || logger) return {};
  return { logger: readableLog(logLevel, stream), agentsLogLevel };
}

const callbacks = [
  "getCurrentUser",
  "canStartSession",
  "canCloseSession",
  "canViewSession",
  "canViewMetrics",
  "canSendMessage",
  "canJoinCall",
] as const satisfies (keyof RunnerOptions)[];

const guards = ["GREENROOM_API_KEYS", "GREENROOM_API_KEYS_FILE"] as const;

/**
 * Adds the check of API keys where keys are set and the code says nothing of who may do what: whoever sets keys wants
 * them asked for. Under a misspelt name they would let everybody in, so that is refused with a `UsageError`.
 */
function guarded(options: RunnerOptions, environment: Environment): RunnerOptions {
  const decided = options.app !== undefined || callbacks.some((name) => options[name] !== undefined);
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

/** The address may be set without the secret where the code has one, and the other way round. */
function webhookOf(
  { webhookUrl, webhookSecret }: OptionValues<typeof tables.webhookOptions>,
  launcher: AgentLauncher,
): Pick<AgentLauncherOptions, "webhook"> {
  if (webhookUrl === undefined && webhookSecret === undefined) return {};
  const url = webhookUrl ?? launcher.options.webhook?.url;
  const secret = webhookSecret ?? launcher.options.webhook?.secret;
  if (url === undefined) throw new UsageError("GREENROOM_WEBHOOK_SECRET is set, but no --webhook-url");
  if (secret === undefined)
    throw new UsageError("--webhook-url needs GREENROOM_WEBHOOK_SECRET, which signs what it tells");
  return { webhook: { url, secret } };
}
