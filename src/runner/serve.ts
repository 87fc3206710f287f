import { createServer, type Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { AgentLauncher } from "../agent-launcher.ts";
import { applyServerTimeouts, createApp, createMetricsApp, exposureWarning } from "../control-plane/app.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { Announcer } from "./announcer.ts";
import { closeServer, listen, localUrl } from "./listener.ts";
import { type RunnerOptions, splitOptions } from "./runner-options.ts";
import { warmUp } from "./warm-up.ts";

/** A server that listens. */
export interface ServerHandle {
  /** Reaches it from this machine, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly port: number;
  /** Where metrics have a port of their own. */
  readonly metricsPort: number | null;
  /** Resolves once sessions can start, however many tries that takes. Rejects with DRAINING where it is closed before. */
  readonly ready: Promise<void>;
  /** Shuts it down; resolves when all is over. Further calls get the first one's result. */
  close(options?: CloseOptions): Promise<Shutdown>;
}

export interface CloseOptions {
  /** How long starts are still accepted while probes say no, in milliseconds. Default 0. */
  readonly announceMs?: number;
  /** How long running calls may then go on, in milliseconds. Default: `drainTimeoutMs` of the options. */
  readonly timeoutMs?: number;
  /** Aborted, it ends both waits: running calls are asked to close at once. */
  readonly signal?: AbortSignal;
}

/** What became of the calls that ran when starts were first refused. */
export interface Shutdown {
  readonly finished: number;
  /** Those that were asked to close. */
  readonly closed: number;
}

/** Listens, then starts the launcher. The `app` of the options is served as it is, else the control plane's own. */
export async function serve(launcher: AgentLauncher, options: RunnerOptions): Promise<ServerHandle> {
  const { http, drain } = splitOptions(options);
  const supervisor = await launcher.supervisor();
  const app = http.app ?? (await createApp(launcher, http));
  const servers: Server[] = [];
  const open = async (listener: RequestListener, place: Place): Promise<number> => {
    const server = createServer();
    server.on("request", (_request, response) => {
      // The app may be somebody else's. A balancer should come back elsewhere.
      if (isGoing(supervisor)) response.setHeader("Connection", "close");
    });
    server.on("request", listener);
    applyServerTimeouts(server, http.timeouts);
    servers.push(server);
    return listen(server, place);
  };
  const { host = "127.0.0.1", port: wantedPort = 8_000, metricsPort: wantedMetricsPort = null } = http;
  try {
    const port = await open(app.callback(), { host, port: wantedPort, flag: "--port" });
    const metricsPort = wantedMetricsPort === null ? null : await open(createMetricsApp(launcher).callback(), { host, port: wantedMetricsPort, flag: "--metrics-port" });
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
  const url = localUrl(host, port);
  const announcer = new Announcer(supervisor.log);
  const warning = http.app ? null : exposureWarning(http);
  if (warning) announcer.say("warn", warning);
  const ready = warmUp(supervisor, announcer).then(() => announcer.say("ready", ...));
  // Nobody has to wait for it.
  ready.catch(() => undefined);

  let closing: Promise<Shutdown> | undefined;
  const close = async () => {}
  return {}
}
