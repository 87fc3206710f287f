import test, { type ExecutionContext } from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { DnsServer } from "../fixtures/k8s/dns-server.ts";
import { answering, ask, PlainReplica } from "../fixtures/k8s/plain-replica.ts";
import { needs } from "../fixtures/needs.ts";
import { Balancer } from "../fixtures/programs/haproxy.ts";

const withHaproxy = needs("haproxy", test.serial);
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
