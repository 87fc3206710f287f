import { once } from "node:events";
import test from "ava";
import { agentUrl } from "../fixtures/agent-url.ts";
import { openFleet } from "../fixtures/http/open-fleet.ts";
import { SocketClient } from "../fixtures/http/socket-client.ts";
import { needs } from "../fixtures/needs.ts";
import { Balancer } from "../fixtures/programs/haproxy.ts";

const withHaproxy = needs("haproxy", test.serial);

withHaproxy("haproxy lets clients into calls at any replica, and leaves their sockets open", async (t) => {
  t.timeout(120_000);
  const fleet = await openFleet({
    launcher: { agent: agentUrl("sockets"), threadWaitTimeoutMs: 60_000 },
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
