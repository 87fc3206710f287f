import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { AgentLauncher, type AgentLauncherOptions, type ServeOptions } from "greenroom";
import type Koa from "koa";
import pino from "pino";
import { createApp, createHttpServer } from "../../src/control-plane/app.ts";
import { CommonRegistry, CommonStore } from "../fixtures/common-registry.ts";
import { eventually } from "../fixtures/eventually.ts";
import { asking, httpAgent, type OpenServer } from "./open-server.ts";

export const peerSecret = "the-secret-that-the-replicas-of-a-test-share";

export interface Replica extends OpenServer {
  readonly nodeId: string;
  readonly launcher: AgentLauncher;
  readonly server: Server;
  /** Returns the lines that it has logged so far. */
  lines(): Record<string, unknown>[];
  /** Breaks its connections and its listener, as if the process had died. */
  cut(): void;
}

export interface Fleet {
  readonly store: CommonStore;
  readonly replicas: readonly [Replica, Replica, Replica];
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly store?: CommonStore;
  /** The registry in place of what is shared in memory. */
  readonly registry?: NonNullable<AgentLauncherOptions["registry"]>;
  readonly launcher?: Partial<AgentLauncherOptions>;
  /** Returns the options of each replica, by its number. */
  serve?(index: number): ServeOptions;
  launch?(index: number): Partial<AgentLauncherOptions>;
  /** Makes the application in place of the own one. */
  app?(launcher: AgentLauncher, options: ServeOptions): Koa;
}

/** Three replicas in one process: threads, servers and connections are real, and share a registry that is in memory. */
export async function openFleet(options: FleetOptions = {}): Promise<Fleet> {
  const store = options.store ?? new CommonStore();
  const open = (index: number) => openReplica(store, index, options);
  const replicas = [await open(0), await open(1), await open(2)] as const;
  for (const { launcher } of replicas) {
    const { registry } = await launcher.supervisor();
    await eventually(
      "each replica knows the others",
      () => registry.peers().filter(({ accepting }) => accepting).length === 2,
    );
  }
  return {
    store,
    replicas,
    async close() {
      await Promise.all(replicas.map(({ launcher }) => stop(launcher)));
      for (const replica of replicas) replica.cut();
    },
  };
}

/** Ending a thread in the middle of its first import can abort the whole process, in Node's own module loader. */
async function stop(launcher: AgentLauncher): Promise<void> {
  const supervisor = await launcher.supervisor();
  if (supervisor.serving) await supervisor.reserveWhole();
  await launcher.stop();
}

async function openReplica(store: CommonStore, index: number, options: FleetOptions): Promise<Replica> {
  const nodeId = `replica-${index}`;
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const log = logOf();
  const launcher = new AgentLauncher({
    agent: httpAgent,
    maxConcurrentSessions: 16,
    warmSessions: 1,
    ignoreLoad: true,
    logger: pino({ level: "debug" }, log.sink),
    agentsLogLevel: "silent",
    registry: options.registry ?? new CommonRegistry(store),
    nodeId,
    advertisedAddress: url,
    ...options.launcher,
    ...options.launch?.(index),
  });
  const serveOptions = { peerSecret, ...options.serve?.(index) };
  const app = options.app?.(launcher, serveOptions) ?? (await createApp(launcher, serveOptions));
  server.on("request", app.callback() as RequestListener);
  await launcher.start();
  const cut = () => {
    server.close();
    server.closeAllConnections();
  };
  return { nodeId, launcher, server, url, port, lines: log.lines, cut, ...asking(url) };
}

function logOf(): { sink: Writable; lines(): Record<string, unknown>[] } {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const lines = () =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { sink, lines };
}

/** Returns the replica that has a session, and one that has not. A busy replica may have handed the start to another. */
export function placesOf({ replicas }: Fleet, sessionId: string): { owner: Replica; foreign: Replica } {
  const owner = replicas.find(({ launcher }) => launcher.getSession(sessionId));
  const foreign = replicas.find((replica) => replica !== owner);
  if (!owner || !foreign) throw new Error(`No replica has the session ${sessionId}`);
  return { owner, foreign };
}
