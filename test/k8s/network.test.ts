import { BlockList } from "node:net";
import { render } from "../fixtures/k8s/kustomize.ts";
import { alone, each, environmentOf, withKustomize } from "../fixtures/k8s/layers.ts";
import {
  type Deployment,
  type NetworkPolicy,
  type NetworkPort,
  type Service,
  selects,
  the,
} from "../fixtures/k8s/resources.ts";

each(
  "egress: DNS, Redis, peers, HTTPS, TURN and media; never where clouds hand out credentials",
  alone,
  (t, resources) => {
    const { spec } = the<NetworkPolicy>(resources, "NetworkPolicy", "greenroom");
    t.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
    const reaches = (address: string, protocol: string, port: number): boolean =>
      (spec.egress ?? []).some(
        ({ to = [], ports = [] }) =>
          ports.some((range) => covers(range, protocol, port)) &&
          to.some(
            ({ ipBlock }) =>
              ipBlock &&
              contains(ipBlock.cidr, address) &&
              !ipBlock.except?.some((cidr) => contains(cidr, address)),
          ),
      );
    for (const [address, protocol, port] of [
      ["203.0.113.7", "TCP", 443],
      ["203.0.113.7", "TCP", 3478],
      ["203.0.113.7", "TCP", 5349],
      ["203.0.113.7", "UDP", 3478],
      ["203.0.113.7", "UDP", 1_024],
      ["203.0.113.7", "UDP", 65_535],
      ["2001:db8::7", "TCP", 443],
      ["2001:db8::7", "UDP", 50_000],
      ["10.1.2.3", "TCP", 6_379],
      ["169.254.20.10", "UDP", 53],
    ] as const) {
      t.true(reaches(address, protocol, port), `${address} ${protocol} ${port}`);
    }
    for (const address of [
      "169.254.169.254",
      "169.254.170.2",
      "168.63.129.16",
      "100.100.100.200",
      "192.0.0.192",
      "fd00:ec2::254",
      "fe80::1",
    ]) {
      for (const port of [53, 80, 443, 3_478, 8_080]) {
        for (const protocol of ["TCP", "UDP"])
          t.false(reaches(address, protocol, port), `${address} ${protocol} ${port}`);
      }
    }
    t.false(reaches("203.0.113.7", "TCP", 25));
    const { metadata } = the<Deployment>(resources, "Deployment", "greenroom").spec.template;
    const toPeers = spec.egress?.find(({ to = [] }) =>
      to.some(({ podSelector }) => podSelector && selects(podSelector, metadata.labels)),
    );
    t.deepEqual(
      toPeers?.ports?.map(({ port }) => port),
      ["http"],
    );
    const dns = spec.egress?.filter(({ to = [] }) =>
      to.some(({ podSelector }) => podSelector?.matchLabels?.["k8s-app"] === "kube-dns"),
    );
    t.deepEqual(
      dns?.flatMap(({ ports = [] }) => ports.map(({ protocol, port }) => `${protocol} ${port}`)),
      ["UDP 53", "TCP 53"],
    );
  },
);

function covers({ protocol, port, endPort }: NetworkPort, wantedProtocol: string, wanted: number): boolean {
  return (
    protocol === wantedProtocol && typeof port === "number" && port <= wanted && wanted <= (endPort ?? port)
  );
}

function contains(cidr: string, address: string): boolean {
  const [network = "", prefix] = cidr.split("/");
  const family = network.includes(":") ? "ipv6" : "ipv4";
  if (address.includes(":") !== (family === "ipv6")) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}

withKustomize(
  "the Redis for trying out is reached by the replicas and nobody else, under the name that is set",
  async (t) => {
    const resources = await render("overlays/dev");
    const url = new URL(environmentOf(resources).REDIS_URL ?? "");
    const service = the<Service>(resources, "Service", url.hostname);
    t.is(String(service.spec.ports[0]?.port), url.port);
    const { spec } = the<NetworkPolicy>(resources, "NetworkPolicy", "greenroom-redis");
    const { labels } = the<Deployment>(resources, "Deployment", "greenroom").spec.template.metadata;
    t.is(spec.ingress?.length, 1);
    for (const { podSelector = {}, namespaceSelector } of spec.ingress?.[0]?.from ?? []) {
      t.true(selects(podSelector, labels));
      t.is(namespaceSelector, undefined);
    }
    t.deepEqual(spec.egress, []);
    const server = the<NetworkPolicy>(resources, "NetworkPolicy", "greenroom");
    const redis = the<Deployment>(resources, "Deployment", "greenroom-redis").spec.template.metadata.labels;
    const toRedis = server.spec.egress?.some(
      ({ to = [], ports = [] }) =>
        to.some(({ podSelector }) => podSelector && selects(podSelector, redis)) &&
        ports.some(({ port }) => port === 6_379),
    );
    t.true(toRedis);
  },
);
