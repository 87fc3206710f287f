import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionContext } from "ava";
import { AgentLauncher, type AgentLauncherOptions, type JsonValue, type ServeOptions } from "greenroom";
import { createApp, createHttpServer } from "../../src/control-plane/app.ts";
import { documentedAnswer } from "./documented-answer.ts";

export const httpAgent = new URL("./agents/http-agent.ts", import.meta.url).href;

/** A launcher of the agent beside this file, silent and started. Whoever makes it stops it. */
export async function startLauncher(options: Partial<AgentLauncherOptions> = {}): Promise<AgentLauncher> {
  const launcher = new AgentLauncher({
    agent: httpAgent,
    maxConcurrentSessions: 32,
    warmSessions: 3,
    // Other tests may keep this machine busy.
    ignoreLoad: true,
    logLevel: "silent",
    agentsLogLevel: "silent",
    ...options,
  });
  await launcher.start();
  return launcher;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body; undefined where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  readonly body: any;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** The value that is sent as JSON. */
  readonly json?: JsonValue;
  readonly body?: NonNullable<RequestInit["body"]>;
}

export interface OpenServer {
  readonly url: string;
  readonly port: number;
  /** Asks, and checks that the answer is one that the API documents. */
  ask(path: string, request?: Request): Promise<Answer>;
  /** Starts a session and returns its JSON. */
  start(body?: Record<string, JsonValue>, headers?: Record<string, string>): Promise<Answer["body"]>;
}

let calls = 0;

/** Serves the API of a launcher on a free port, until the test is over. */
export async function openServer(
  t: ExecutionContext,
  launcher: AgentLauncher,
  options: ServeOptions = {},
): Promise<OpenServer> {
  const app = await createApp(launcher, options);
  return listen(t, app.callback() as RequestListener, options);
}

export async function listen(
  t: ExecutionContext,
  listener: RequestListener,
  options: ServeOptions = {},
): Promise<OpenServer> {
  const server = createHttpServer(options.timeouts);
  server.on("request", listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { url, port, ...asking(url) };
}

/** Returns functions that ask a server at this URL. */
export function asking(url: string): Pick<OpenServer, "ask" | "start"> {
  const ask: OpenServer["ask"] = async (path, request = {}) => {
    const answer = await answerOf(url + path, request);
    documentedAnswer(methodOf(request), path, answer);
    return answer;
  };
  const start: OpenServer["start"] = async (body = {}, headers = {}) => {
    const answer = await ask("/sessions", { json: { call_id: `call-${++calls}`, ...body }, headers });
    if (answer.status !== 201) throw new Error(`The start was answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  return { ask, start };
}

const methodOf = ({ method, json, body }: Request): string =>
  method ?? (json === undefined && body === undefined ? "GET" : "POST");

async function answerOf(url: string, request: Request): Promise<Answer> {
  const { headers = {}, json } = request;
  const body = json === undefined ? request.body : JSON.stringify(json);
  const response = await fetch(url, {
    method: methodOf(request),
    headers: { ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body, duplex: "half" }),
  } as RequestInit);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text ? JSON.parse(text) : undefined,
  };
}
