import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { eventually } from "./fixtures/eventually.ts";
import { balance, haproxyFile } from "./fixtures/haproxy.ts";
import { needs } from "./fixtures/needs.ts";

const withHaproxy = needs("haproxy", test.serial);

withHaproxy("haproxy accepts its configuration, without a warning", (t) => {
  const { status, stdout, stderr } = spawnSync("haproxy", ["-c", "-f", haproxyFile], { encoding: "utf8" });
  t.is(status, 0, stderr);
  t.notRegex(stdout + stderr, /warning|alert/i);
});

/** What stands for a replica: it answers probes as it is told, and everything else with its name. */
class Replica {
  readonly name: string;
  ready = true;
  serving = true;
  /** Status of starts. */
  starts = 201;
  forwardedFor: string | undefined;
  readonly server = createServer((request, response) => {
    const [status, body] = this.#answer(request);
    response.writeHead(status).end(body);
  });

  constructor(name: string) {
    this.name = name;
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

async function replicas(t: ExecutionContext): Promise<readonly [Replica, Replica]> {
  const both = [new Replica("a"), new Replica("b")] as const;
  for (const { server } of both) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  return both;
}

async function ask(url: string, method: string, path: string): Promise<{ status: number; by: string }> {
  const headers = { "X-Forwarded-For": "198.51.100.9", Connection: "close" };
  const answer = await fetch(url + path, { method, headers }).catch(() => null);
  return { status: answer?.status ?? 0, by: (await answer?.text()) ?? "" };
}

/** Who answers ten of these. */
async function answering(url: string, method: string, path: string): Promise<string> {
  const names = new Set<string>();
  for (let count = 0; count < 10; count += 1) names.add((await ask(url, method, path)).by);
  return [...names].sort().join("");
}

withHaproxy("starts go where there is room, everything else to whoever serves", async (t) => {
  const [a, b] = await replicas(t);
  const url = await balance(t, [a, b]);
  const start = () => answering(url, "POST", "/sessions");
  const startInCall = () => answering(url, "POST", "/calls/some-call/sessions");
  const look = () => answering(url, "GET", "/sessions/some-id");
  await eventually("both of them", async () => (await start()) === "ab" && (await look()) === "ab");

  a.ready = false;
  await eventually("starts go to b alone", async () => (await start()) === "b");
  t.is(await startInCall(), "b");
  t.is(await look(), "ab", "a full one goes on answering");
  t.is(await answering(url, "POST", "/sessions/some-id/messages"), "ab");

  b.ready = false;
  await eventually("nobody has room: any of them says so", async () => (await start()).includes("a"));
  t.is(await look(), "ab");

  a.serving = false;
  await eventually(
    "a shuts down: nothing goes there",
    async () => (await look()) === "b" && (await start()) === "b",
  );

  b.serving = false;
  await eventually("nobody serves", async () => (await ask(url, "GET", "/balancer-health")).status === 503);
});

withHaproxy(
  "a start that was refused is tried elsewhere, and a caller's claim of an address is not passed on",
  async (t) => {
    const [a, b] = await replicas(t);
    const url = await balance(t, [a, b]);
    await eventually("both of them", async () => (await answering(url, "POST", "/sessions")) === "ab");
    a.starts = 503;
    for (let count = 0; count < 6; count += 1)
      t.deepEqual(await ask(url, "POST", "/sessions"), { status: 201, by: "b" });
    t.is(b.forwardedFor, "127.0.0.1");
    b.starts = 503;
    t.is((await ask(url, "POST", "/sessions")).status, 503);
  },
);

withHaproxy(
  "no request comes to a connection that a replica closes just then, as it does when it shuts down",
  async (t) => {
    const both = await replicas(t);
    for (const { server } of both) {
      const used = new WeakSet<Socket>();
      server.prependListener("request", ({ socket }) => {
        if (used.has(socket)) socket.destroy();
        used.add(socket);
      });
    }
    const url = await balance(t, both);
    await eventually("both of them", async () => (await answering(url, "POST", "/sessions")) === "ab");
    // As clients do that ask again and again.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    for (const [method, path] of [
      ["POST", "/sessions"],
      ["GET", "/sessions/some-id"],
    ] as const) {
      for (let count = 0; count < 10; count += 1) {
        const sent = request(url + path, { method, agent }).end();
        const [answer] = (await once(sent, "response")) as [IncomingMessage];
        answer.resume();
        await once(answer, "end");
        t.is(answer.statusCode, method === "POST" ? 201 : 200);
      }
    }
  },
);
