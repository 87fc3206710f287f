import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { Pod } from "../fixtures/haproxy.ts";
import { Child } from "../runner-fixtures/child.ts";

/** A server in place of a replica: it answers probes as it is told, and everything else with its name. */
export class PlainReplica implements Pod {
  readonly name: string;
  ready = true;
  serving = true;
  /** The status with which starts are answered. */
  starts = 201;
  /** The header `X-Forwarded-For` of the last request. */
  forwardedFor: string | undefined;
  readonly server = createServer((request, response) => {
    const [status, body] = this.#answer(request);
    response.writeHead(status).end(body);
  });

  constructor(name: string) {
    this.name = name;
  }

  /** Listens on a free port of 127.0.0.1 until the test ends. */
  static async open(t: Pick<ExecutionContext, "teardown">, name: string): Promise<PlainReplica> {
    const replica = new PlainReplica(name);
    await replica.listen();
    t.teardown(() => {
      replica.server.closeAllConnections();
      replica.server.close();
    });
    return replica;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #answer({ url, method, headers }: IncomingMessage): [number, string] {
    if (url === "/ready") return [this.ready ? 200 : 400, ""];
    if (url === "/serving") return [this.serving ? 200 : 400, ""];
    this.forwardedFor = String(headers["x-forwarded-for"]);
    return [method === "POST" && url === "/sessions" ? this.starts : 200, this.name];
  }
}

const program = join(import.meta.dirname, "plain-replica-program.ts");

/** A {@link PlainReplica} in a process of its own, which can be made to stand still. */
export class PlainReplicaProcess implements Pod {
  readonly name: string;
  readonly port: number;
  readonly #child: Child;

  private constructor(name: string, port: number, child: Child) {
    this.name = name;
    this.port = port;
    this.#child = child;
  }

  static async open(t: ExecutionContext, name: string): Promise<PlainReplicaProcess> {
    const child = new Child(t, [program, name]);
    const [, port] = await child.printed(/^listening on (\d+)$/m);
    return new PlainReplicaProcess(name, Number(port), child);
  }

  /** Stops the process. The kernel goes on taking connections for it, but nothing is answered. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }
}

/** Asks once, over a connection of its own. The status is 0 where there is no answer. */
export async function ask(
  url: string,
  method: string,
  path: string,
): Promise<{ status: number; by: string }> {
  const headers = { "X-Forwarded-For": "198.51.100.9", Connection: "close" };
  const answer = await fetch(url + path, { method, headers }).catch(() => null);
  return { status: answer?.status ?? 0, by: (await answer?.text()) ?? "" };
}

/** Resolves with the names of the replicas that answer ten of these requests, in the order of the alphabet. */
export async function answering(url: string, method: string, path: string): Promise<string> {
  const names = new Set<string>();
  for (let count = 0; count < 10; count += 1) names.add((await ask(url, method, path)).by);
  return [...names].sort().join("");
}
