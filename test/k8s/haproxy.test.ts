import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { agentUrl } from "../fixtures/agent-url.ts";
import { eventually } from "../fixtures/eventually.ts";
import { openFleet } from "../fixtures/http/open-fleet.ts";
import { SocketClient } from "../fixtures/http/socket-client.ts";
import { DnsServer } from "../fixtures/k8s/dns-server.ts";
import { answering, ask, PlainReplica, PlainReplicaProcess } from "../fixtures/k8s/plain-replica.ts";
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

withHaproxy("haproxy lets clients into calls at any replica, and leaves their sockets open", async (t) => {
  t.timeout(120_000);
  const fleet = await openFleet({
    launcher: { agent: agentUrl("calls/sockets"), threadWaitTimeoutMs: 60_000 },
  });
  t.teardown(() => fleet.close());
  const pods = fleet.replicas.map(({ nodeId: name, port }) => ({ name, port }));
  const { url } = await Balancer.open(t, pods, { hurried: true });
  const { session_id: id, session_token: token } = await fleet.replicas[0].start();
  const media = `${url}/sessions/${id}/media`;
  const clients = [];
  // As many as there are replicas, and more.
  for (let count = 0; count < 6; count += 1)
    clients.push((await SocketClient.open(t, media, { token })).client);
  for (const client of clients) t.is(await client.ask("hello"), "hello");

  t.like(await SocketClient.refused(t, media, { protocols: ["other"] }), {
    status: 422,
    body: { code: "EDGE_REFUSED" },
  });
  const plain = await fetch(media);
  t.is(plain.status, 426);

  // Longer than a client and a server may be silent otherwise.
  await Promise.all(clients.map(({ socket }) => once(socket, "ping")));
  for (const client of clients) t.is(await client.ask("still there"), "still there");
  const owner = fleet.replicas.find(({ launcher }) => launcher.getSession(id));
  await owner?.launcher.closeSession(id);
  for (const { closed } of clients) t.deepEqual(await closed, { code: 1_000, reason: "closed" });
});

/** The requests with a token, by the place where it is. */
const requests: Readonly<Record<string, readonly string[]>> = {
  "a query string": ["GET /sessions/some-id/events?token=TELLTALE HTTP/1.1"],
  "a query string of an address": ["GET http://greenroom/sessions?token=TELLTALE HTTP/1.1"],
  "the user of an address": ["GET http://user:TELLTALE@greenroom/sessions HTTP/1.1"],
  "a query string behind another mark": ["GET /sessions?a?token=TELLTALE HTTP/1.1"],
  Authorization: ["POST /sessions HTTP/1.1", "Authorization: Bearer TELLTALE", "Content-Length: 0"],
  "X-Api-Key": ["GET /sessions HTTP/1.1", "X-Api-Key: TELLTALE"],
  "a cookie": ["GET /sessions HTTP/1.1", "Cookie: session=TELLTALE"],
  "a referring page": ["GET /sessions HTTP/1.1", "Referer: https://example.com/?token=TELLTALE"],
  "a WebSocket's subprotocol": [
    "GET /sessions/some-id/socket HTTP/1.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: bearer, TELLTALE",
  ],
  "a request that is wrong": ["GET /sessions?token=TELLTALE HTTP/9.9"],
  "a header that is wrong": ["GET /sessions?token=TELLTALE HTTP/1.1", "Autho rization: TELLTALE"],
  "a method that is none": ["TELL<TALE /sessions?token=TELLTALE HTTP/1.1"],
  "a request that is too long": [`GET /sessions?token=TELLTALE${"x".repeat(20_000)} HTTP/1.1`],
};

withHaproxy("its log has the path of each request, and never a token", async (t) => {
  const replica = await PlainReplica.open(t, "a");
  const balancer = await Balancer.open(t, [replica]);
  const { port } = new URL(balancer.url);
  for (const [name, lines] of Object.entries(requests)) {
    const [first = "", ...headers] = lines;
    const before = balancer.child.stdout.length;
    const socket = connect(Number(port), "127.0.0.1");
    socket.end(`${[first, "Host: greenroom", "Connection: close", ...headers].join("\r\n")}\r\n\r\n`);
    t.regex(await text(socket), /^HTTP\/1\.1 \d{3} /, name);
    // Each has a line, which is there once the connection is closed, or soon after.
    await balancer.child.printed(new RegExp(`^[\\s\\S]{${before}}[\\s\\S]*"\\n`));
  }
  t.regex(balancer.child.stdout, /"GET \/sessions\/some-id\/events HTTP\/1\.1"/);
  t.notRegex(balancer.child.stdout + balancer.child.stderr, /TELL|token=|Bearer/);
  t.is(balancer.child.stdout.match(/"$/gm)?.length, Object.keys(requests).length);
});

const peers = "greenroom-peers.greenroom.svc.cluster.local";
const service = "greenroom.greenroom.svc.cluster.local";

/** Opens a cluster of one pod, which DNS may know or not, and the Service, behind which another one is. */
async function cluster(t: ExecutionContext) {
  t.timeout(120_000);
  const [pod, behindService] = [await PlainReplica.open(t, "p"), await PlainReplica.open(t, "s")];
  const dns = await DnsServer.open(t);
  dns.addresses.set(service, ["127.0.0.1"]);
  const ports = { nameserver: dns.port, pods: pod.port, service: behindService.port };
  const { url } = await Balancer.openByDns(t, ports);
  const goTo = (name: string) =>
    eventually(
      `requests go to ${name}`,
      async () =>
        (await answering(url, "POST", "/sessions")) === name &&
        (await answering(url, "GET", "/sessions/some-id")) === name,
      60_000,
    );
  return { pod, behindService, dns, url, goTo };
}

withHaproxy("the Service takes over while DNS knows no pod, and gives back when it does", async (t) => {
  const { dns, goTo } = await cluster(t);
  await goTo("s");
  dns.addresses.set(peers, ["127.0.0.1"]);
  await goTo("p");
  dns.addresses.delete(peers);
  await goTo("s");
  t.pass();
});

withHaproxy("the Service takes over while all pods that DNS knows are gone, as in a rollout", async (t) => {
  const { pod, dns, url, goTo } = await cluster(t);
  dns.addresses.set(peers, ["127.0.0.1"]);
  await goTo("p");
  // As it shuts down. Its address stays in caches.
  pod.ready = false;
  pod.serving = false;
  await goTo("s");
  pod.server.closeAllConnections();
  pod.server.close();
  for (let count = 0; count < 5; count += 1)
    t.deepEqual(await ask(url, "POST", "/sessions"), { status: 201, by: "s" });
});

withHaproxy("where everybody is full, any of them says so", async (t) => {
  const { pod, behindService, dns, url, goTo } = await cluster(t);
  dns.addresses.set(peers, ["127.0.0.1"]);
  await goTo("p");
  for (const replica of [pod, behindService]) {
    replica.ready = false;
    replica.starts = 429;
  }
  await eventually("they refuse", async () => (await ask(url, "POST", "/sessions")).status === 429);
  t.is((await ask(url, "GET", "/sessions/some-id")).by, "p");
});

const configuration = readFileSync(haproxyFile, "utf8");

const milliseconds = (words: RegExp): number => {
  const [, count, unit] = words.exec(configuration) ?? [];
  return Number(count) * (unit === "s" ? 1_000 : 1);
};

test("its checks find a replica that stands still within 3 s", (t) => {
  const checkMs = milliseconds(/^ +timeout check (\d+)(m?s)$/m);
  const servers = [
    ...configuration.matchAll(/^ +default-server check inter (\d+)s fastinter (\d+)ms fall (\d+) rise 1 /gm),
  ];
  t.is(servers.length, 2);
  for (const [, inter, fastinter, fall] of servers) {
    // It stands still just after it answered a check; each further check is due after the shorter interval.
    const further = Number(fall) - 1;
    const longestMs = Number(inter) * 1_000 + checkMs + further * (Number(fastinter) + checkMs);
    t.true(longestMs > 0 && longestMs <= 3_000, `${longestMs} ms`);
  }
});

withHaproxy(
  "a replica that stands still gets nothing once that was found, and all again when it goes on",
  async (t) => {
    t.timeout(120_000);
    const [frozen, other] = [await PlainReplicaProcess.open(t, "a"), await PlainReplicaProcess.open(t, "b")];
    const { url, child } = await Balancer.open(t, [frozen, other], { ownTimeouts: true });
    const both = async () =>
      (await answering(url, "POST", "/sessions")) === "ab" &&
      (await answering(url, "GET", "/sessions/some-id")) === "ab";
    await eventually("both of them", both, 60_000);

    frozen.freeze();
    t.teardown(() => frozen.thaw());
    await child.printed(/Server starts\/a is DOWN, reason: Layer7 timeout/);
    await child.printed(/Server sessions\/a is DOWN, reason: Layer7 timeout/);
    await eventually("b alone", async () => {
      const starts = await answering(url, "POST", "/sessions");
      return starts === "b" && (await answering(url, "GET", "/sessions/some-id")) === "b";
    });

    frozen.thaw();
    await eventually("both of them again", both, 60_000);
    t.pass();
  },
);

withHaproxy(
  "what is asked of a replica that stands still, and is not known to, is asked elsewhere",
  async (t) => {
    t.timeout(120_000);
    const [frozen, other] = [await PlainReplicaProcess.open(t, "a"), await PlainReplicaProcess.open(t, "b")];
    // Checks have 20 s here: they do not find it while this test runs.
    const { url } = await Balancer.open(t, [frozen, other]);
    await eventually("both of them", async () => (await answering(url, "GET", "/sessions/x")) === "ab");
    frozen.freeze();
    t.teardown(() => frozen.thaw());
    const asked = Array.from({ length: 6 }, () => ask(url, "GET", "/sessions/some-id"));
    for (const answer of await Promise.all(asked)) t.deepEqual(answer, { status: 200, by: "b" });
  },
);
