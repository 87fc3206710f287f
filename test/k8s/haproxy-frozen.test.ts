import { readFileSync } from "node:fs";
import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { answering, ask, PlainReplicaProcess } from "../fixtures/k8s/plain-replica.ts";
import { needs } from "../fixtures/needs.ts";
import { Balancer, haproxyFile } from "../fixtures/programs/haproxy.ts";

const withHaproxy = needs("haproxy", test.serial);
const text = readFileSync(haproxyFile, "utf8");

const milliseconds = (words: RegExp): number => {
  const [, count, unit] = words.exec(text) ?? [];
  return Number(count) * (unit === "s" ? 1_000 : 1);
};

test("its checks find a replica that stands still within 3 s", (t) => {
  const checkMs = milliseconds(/^ +timeout check (\d+)(m?s)$/m);
  const servers = [
    ...text.matchAll(/^ +default-server check inter (\d+)s fastinter (\d+)ms fall (\d+) rise 1 /gm),
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
