import type { Server } from "node:http";
import type Koa from "koa";
import { supervisorOf } from "../../agent-launcher.ts";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import type { RunnerOptions } from "../../api/runner-options.ts";
import type { CloseOptions, ServerHandle, Shutdown } from "../../api/server-handle.ts";
import { exposureText, namesText } from "../../control-plane/access/origins.ts";
import { createApp } from "../../control-plane/app.ts";
import { createMetricsApp } from "../../control-plane/metrics-app.ts";
import { routesReady } from "../../control-plane/routes.ts";
import { fillServeOptions } from "../../control-plane/serve-options.ts";
import { createHttpServer } from "../../control-plane/server.ts";
import { serveUpgrades } from "../../control-plane/sockets/serve-upgrades.ts";
import { fill } from "../../options/fill.ts";
import { drainTable } from "../../options/runner.ts";
import { Announcer } from "../terminal/announcer.ts";
import { drainConnections } from "./connection-draining.ts";
import { deriveConnections, limitConnections, openFilesLimit } from "./connection-limit.ts";
import { closeServer, listen, listeningText, localUrl } from "./listener.ts";
import { lastScrape, shutDown } from "./shutdown.ts";
import { warmUp } from "./warm-up.ts";

interface OpenServer {
  readonly server: Server;
  readonly port: number;
}

/** Listens, then starts the launcher. It serves the `app` of the options, or else the control plane's own application. */
export async function serve(launcher: AgentLauncher, options: RunnerOptions): Promise<ServerHandle> {
  const { drainAnnounceMs, drainTimeoutMs, ...ofHttp } = options;
  const drain = fill(drainTable, { drainAnnounceMs, drainTimeoutMs });
  const http = fillServeOptions(ofHttp);
  const { host, port } = http;
  const supervisor = await supervisorOf(launcher);
  const app = http.app ?? (await createApp(launcher, http));
  // An error in the options of an API that the user's application mounts is reported at the start, not at the first request.
  await routesReady(app);
  const openFiles = openFilesLimit();
  const limit =
    openFiles === null ? null : deriveConnections(openFiles, supervisor.options.maxConcurrentSessions);
  const open = async (app: Koa, port: number, flag: string): Promise<OpenServer> => {
    const server = createHttpServer(http.timeouts);
    drainConnections(server, supervisor);
    if (limit) limitConnections(server, limit.connections);
    const listener = app.callback();
    server.on("request", listener);
    serveUpgrades(server, listener);
    return { server, port: await listen(server, { host, port, flag }) };
  };
  const main = await open(app, port, "--port");
  const metrics = await openMetrics().catch(async (error: unknown) => {
    await closeServer(main.server);
    throw error;
  });

  async function openMetrics(): Promise<OpenServer | null> {
    const { metricsPort } = http;
    if (metricsPort === null) return null;
    return open(await createMetricsApp(launcher), metricsPort, "--metrics-port");
  }

  const url = localUrl(host, main.port);
  const announcer = new Announcer(supervisor.log);
  announcer.say("info", `Listening: ${listeningText(host, main.port)}`, {
    event: "server_listening",
    url,
    metrics_port: metrics?.port,
  });
  if (limit?.warning)
    announcer.say("warn", limit.warning, {
      event: "connections_limited",
      open_files: openFiles,
      max_connections: limit.connections,
    });
  const warning = http.app ? null : exposureText(http);
  if (warning) announcer.say("warn", warning, { event: "server_exposed" });
  const notice = http.app ? null : namesText(http);
  if (notice) announcer.say("info", notice, { event: "host_names_limited" });
  const ready = warmUp(supervisor, announcer).then(() => {
    const docs = http.app ? "" : "  (docs at /docs)";
    announcer.say("ready", `Greenroom is ready: ${url}${docs}`, { event: "server_ready", url });
  });
  // A rejection must not count as unhandled where nobody waits for it.
  ready.catch(() => undefined);

  const close = async (how: CloseOptions): Promise<Shutdown> => {
    const shutdown = await shutDown(supervisor, { timeoutMs: drain.drainTimeoutMs, ...how });
    await closeServer(main.server);
    if (metrics) {
      if (shutdown.closed > 0) await lastScrape(metrics.server, how.signal);
      await closeServer(metrics.server);
    }
    return shutdown;
  };
  let closing: Promise<Shutdown> | undefined;
  return {
    url,
    port: main.port,
    metricsPort: metrics?.port ?? null,
    ready,
    close: (how = {}) => {
      closing ??= close(how);
      return closing;
    },
  };
}
