import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { answering, ask, PlainReplica } from "../fixtures/k8s/plain-replica.ts";
import { needs } from "../fixtures/needs.ts";
import { Balancer, balance, haproxyFile } from "../fixtures/programs/haproxy.ts";

const withHaproxy = needs("haproxy", test.serial);

withHaproxy("haproxy accepts its configuration, without a warning", (t) => {
  const { status, stdout, stderr } = spawnSync("haproxy", ["-c", "-f", haproxyFile], { encoding: "utf8" });
  t.is(status, 0, stderr);
  t.notRegex(stdout + stderr, /warning|alert/i);
});

const replicas = async (t: ExecutionContext) =>
  [await PlainReplica.open(t, "a"), await PlainReplica.open(t, "b")] as const;

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

withHaproxy("without a replica it is alive, and not healthy", async (t) => {
  const replica = await PlainReplica.open(t, "a");
  const balancer = await Balancer.open(t, [replica]);
  replica.serving = false;
  await eventually("nobody serves", async () => !(await balancer.isHealthy()));
  t.true(await balancer.isAlive());
});

withHaproxy("at the image's stop signal it lets a request end, takes no other, and ends well", async (t) => {
  const replica = await PlainReplica.open(t, "a");
  const held = Promise.withResolvers<ServerResponse>();
  replica.server.removeAllListeners("request");
  replica.server.on("request", ({ url }: IncomingMessage, response: ServerResponse) => {
    if (url === "/sessions/slow") held.resolve(response);
    else response.end();
  });
  const balancer = await Balancer.open(t, [replica]);
  const asked = ask(balancer.url, "GET", "/sessions/slow");
  const response = await held.promise;
  balancer.child.kill("SIGUSR1");
  await eventually("no further one is taken", async () => !(await balancer.isAlive()));
  response.end("done");
  t.deepEqual(await asked, { status: 200, by: "done" });
  t.is((await balancer.child.exit).code, 0);
});
