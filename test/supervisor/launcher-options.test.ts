import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { AgentLauncher, type AgentLauncherOptions } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { readCgroup } from "../../src/supervisor/monitor/cgroup.ts";
import { deriveCapacity, readLimits } from "../../src/supervisor/starts/capacity.ts";

const wrong: readonly [title: string, options: object, says: RegExp][] = [
  ["a duration without its unit", { agentIdleTimeout: 1 }, /agentIdleTimeout: .*agentIdleTimeoutMs/],
  ["an option that does not exist", { maxSessions: 1 }, /maxSessions: there is no such option/],
  ["a number that is none", { maxConcurrentSessions: "many" }, /maxConcurrentSessions/],
  ["zero sessions", { maxConcurrentSessions: 0 }, /maxConcurrentSessions/],
  ["a timer that would overflow", { closeGraceMs: 2 ** 31 }, /closeGraceMs/],
  [
    "a soft limit above the hard one",
    { heapSoftLimitMb: 2_000 },
    /heapSoftLimitMb must be less than heapLimitMb/,
  ],
  ["a webhook that is no URL", { webhook: { url: "nowhere", secret: "whsec_AAAA" } }, /webhook\.url/],
  [
    "an event that no webhook is sent",
    {
      webhook: {
        url: "http://127.0.0.1:1",
        secret: `whsec_${Buffer.alloc(32).toString("base64")}`,
        events: ["end"],
      },
    } as never,
    /webhook\.events\.0/,
  ],
  ["a webhook without a secret", { webhook: { url: "http://127.0.0.1:1" } }, /webhook\.secret/],
  ["no agent", { agent: "" }, /agent/],
  ["a registry that is none", { registry: {} }, /registry: expected either url or client/],
  [
    "a Redis of another kind",
    { registry: { url: "http://127.0.0.1" } },
    /registry.*redis:\/\/ or rediss:\/\//,
  ],
  [
    "a Redis database that is no number",
    { registry: { url: "redis://a/b" } },
    /registry.*number of a database/,
  ],
  ["a Redis password that cannot be read", { registry: { url: "redis://:a%b@c" } }, /registry.*%25/],
  [
    "a misspelt option of Redis",
    { registry: { url: "redis://a", lease: 1 } },
    /registry\.lease: there is no such option/,
  ],
  ["a node without a proper name", { nodeId: "a b" }, /nodeId/],
  [
    "a leave module that is no file",
    { leaveModules: { own: "data:text/javascript," } },
    /leaveModules\.own: .*file: URL/,
  ],
  ["an address with a path", { advertisedAddress: "http://a/b" }, /advertisedAddress: .*without a path/],
];

for (const [title, options, says] of wrong) {
  test(`${title} is refused by name`, async (t) => {
    const launcher = new AgentLauncher({ agent: import.meta.url, ...options } as AgentLauncherOptions);
    await t.throwsAsync(launcher.start(), { code: "INVALID_OPTIONS", message: says });
  });
}

test("defaults: as many warm threads as cores, two at the least, never more than sessions", async (t) => {
  const { options } = await supervisorOf(new AgentLauncher({ agent: "./agent.ts", logLevel: "silent" }));
  t.true(options.warmSessions >= Math.min(2, options.maxConcurrentSessions));
  t.is(options.agentIdleTimeoutMs, 60_000);
  t.is(options.heapSoftLimitMb, 384);
  t.regex(options.agent, /^file:\/\/.*\/agent\.ts$/);
  const one = await supervisorOf(
    new AgentLauncher({ agent: "./agent.ts", maxConcurrentSessions: 1, logLevel: "silent" }),
  );
  t.is(one.options.warmSessions, 1);
});

const GiB = 2 ** 30;
const machine = { cpus: 8, memoryBytes: 64 * GiB };

/** A root directory that holds these files. */
function root(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-cgroup-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), `${content}\n`);
  }
  return directory;
}

test("the CPUs decide where memory is plenty", (t) => {
  t.deepEqual(deriveCapacity({ cpus: 2, memoryBytes: 24 * GiB }), {
    sessions: 20,
    explanation: "20 sessions: 10 per CPU × 2 CPUs; memory would allow 202",
  });
});

test("memory decides where it is short", (t) => {
  t.deepEqual(deriveCapacity({ cpus: 2, memoryBytes: GiB }), {
    sessions: 5,
    explanation: "5 sessions: 96 MiB each, in 80 % of 1024 MiB less 256 MiB; 2 CPUs would allow 20",
  });
});

test("there is room for one session at least, and parts of CPUs count", (t) => {
  t.is(deriveCapacity({ cpus: 0.05, memoryBytes: GiB / 8 }).sessions, 1);
  t.is(deriveCapacity({ cpus: 1.5, memoryBytes: 8 * GiB }).sessions, 15);
});

test("cgroup 2, as in a container", (t) => {
  const limits = readLimits({
    machine,
    root: root({
      "proc/self/cgroup": "0::/",
      "sys/fs/cgroup/cpu.max": "150000 100000",
      "sys/fs/cgroup/memory.max": String(2 * GiB),
    }),
  });
  t.deepEqual(limits, { cpus: 1.5, memoryBytes: 2 * GiB });
});

test("cgroup 2: the tightest limit of all ancestors counts", (t) => {
  const limits = readLimits({
    machine,
    root: root({
      "proc/self/cgroup": "0::/system.slice/greenroom.service",
      "sys/fs/cgroup/system.slice/greenroom.service/cpu.max": "max 100000",
      "sys/fs/cgroup/system.slice/greenroom.service/memory.max": String(3 * GiB),
      "sys/fs/cgroup/system.slice/cpu.max": "400000 100000",
      "sys/fs/cgroup/system.slice/memory.max": String(2 * GiB),
    }),
  });
  t.deepEqual(limits, { cpus: 4, memoryBytes: 2 * GiB });
});

test("cgroup 1, with a path that only the host can see", (t) => {
  const limits = readLimits({
    machine,
    root: root({
      "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": String(GiB),
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }),
  });
  t.deepEqual(limits, { cpus: 2, memoryBytes: GiB });
});

test("no limits: the machine", (t) => {
  const unlimited = {
    "proc/self/cgroup": "4:memory:/\n1:cpu:/\n0::/",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
  };
  t.deepEqual(readLimits({ machine, root: root(unlimited) }), machine);
  t.deepEqual(readLimits({ machine, root: root({}) }), machine);
});

test("a limit beyond the machine is none, and pinned CPUs count before a wider quota", (t) => {
  const files = {
    "proc/self/cgroup": "0::/",
    "sys/fs/cgroup/cpu.max": "600000 100000",
    "sys/fs/cgroup/memory.max": String(128 * GiB),
  };
  t.deepEqual(readLimits({ machine: { cpus: 2, memoryBytes: 4 * GiB }, root: root(files) }), {
    cpus: 2,
    memoryBytes: 4 * GiB,
  });
});

test("use of memory and throttling are read from the group that sets the limit", (t) => {
  const second = readCgroup(
    root({
      "proc/self/cgroup": "0::/pod/one",
      "sys/fs/cgroup/pod/memory.max": String(GiB),
      "sys/fs/cgroup/pod/memory.current": "700",
      "sys/fs/cgroup/pod/memory.stat": "anon 1\ninactive_file 200\nactive_file 5",
      "sys/fs/cgroup/pod/one/cpu.max": "100000 100000",
      "sys/fs/cgroup/pod/one/cpu.stat": "usage_usec 1\nnr_throttled 3\nthrottled_usec 2500",
    }),
  );
  t.is(second.memoryUsedBytes(), 500);
  t.is(second.throttledMs(), 2.5);
  const first = readCgroup(
    root({
      "proc/self/cgroup": "2:memory:/\n1:cpu:/",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": String(GiB),
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "700",
      "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/cpu/cpu.stat": "nr_throttled 3\nthrottled_time 2500000",
    }),
  );
  t.is(first.memoryUsedBytes(), 400);
  t.is(first.throttledMs(), 2.5);
});

test("the limits of this very process can be read", (t) => {
  const limits = readLimits();
  t.true(limits.cpus > 0);
  t.true(limits.memoryBytes > 0);
});
