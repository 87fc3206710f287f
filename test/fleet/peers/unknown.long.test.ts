import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { metricOfAll } from "../../fixtures/fleet/balanced-fleet.ts";
import { processes, type ThreeProcesses, unknown } from "../../fixtures/fleet/three-processes.ts";
import { needs } from "../../fixtures/needs.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const withRedis = needs("redis-server", (anyTest as TestFn).serial);

function open(t: ExecutionContext): Promise<ThreeProcesses> {
  t.timeout(180_000);
  return processes(t);
}

withRedis("Redis is emptied, again and again: each replica finds every session, 50 of 50", async (t) => {
  const { redis, replicas } = await open(t);
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1)
    for (const replica of replicas) ids.push((await replica.start({ call_id: "long" })).session_id);
  const statuses = async (id: string) =>
    (await Promise.all(replicas.map(({ ask }) => ask(`/sessions/${id}`)))).map(({ status }) => status);

  for (let round = 0; round < 50; round += 1) {
    await redis.flush();
    t.deepEqual(await statuses(ids[round % ids.length]!), [200, 200, 200], `round ${round}`);
  }
  // Through all that happens until each is registered again, and has written what it has.
  await redis.flush();
  for (let round = 0; ; round += 1) {
    const before = await metricOfAll(replicas, "greenroom_registry_peers");
    t.deepEqual(await statuses(ids[round % ids.length]!), [200, 200, 200], `round ${round} of the return`);
    if (before === 6 && round >= 50) break;
  }
  for (const [index, id] of ids.entries()) {
    await redis.flush();
    const { status } = await replicas[(index + 1) % 3]!.ask(`/sessions/${id}`, { method: "DELETE" });
    t.is(status, 204, `the end of ${index}`);
  }
  await eventually("all have ended", async () => (await metricOfAll(replicas, "greenroom_sessions")) === 0);
});

withRedis("Redis is emptied: who closes the sessions of a call closes those of all replicas", async (t) => {
  const { redis, replicas } = await open(t);
  for (let round = 0; round < 5; round += 1) {
    const call_id = `call-${round}`;
    const started: string[] = [];
    for (const replica of replicas) started.push((await replica.start({ call_id })).session_id);
    await redis.flush();
    const path = `/calls/${call_id}/sessions`;
    const { status, body } = await replicas[round % 3]!.ask(path, { method: "DELETE" });
    t.is(status, 202);
    t.deepEqual(body.session_ids.toSorted(), started.toSorted());
  }
});

withRedis("of an unknown id each peer is asked at most once a second, however many ask for it", async (t) => {
  const { replicas } = await open(t);
  const [one] = replicas;
  const located = () => one.metric("greenroom_peer_request_seconds_count", 'kind="located"');
  const before = await located();
  const begunAt = performance.now();
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => one.ask(`/sessions/${unknown}`)));
    t.true(answers.every(({ status }) => status === 404));
  }
  const seconds = Math.floor((performance.now() - begunAt) / 1_000) + 1;
  const asked = (await located()) - before;
  t.true(asked >= 2 && asked <= 2 * seconds, `${asked} questions to 2 peers in less than ${seconds} s`);
});

withRedis("what an earlier life of a replica had is not denied by the process in its place", async (t) => {
  const { replicas } = await open(t);
  const [one, , owner] = replicas;
  const { session_id } = await owner.start();
  await owner.kill();
  await owner.restart();
  for (const method of ["GET", "DELETE"]) {
    const { status, body } = await one.ask(`/sessions/${session_id}`, { method });
    if (status !== 404) t.deepEqual([status, body.code], [503, "PEER_UNREACHABLE"]);
    else t.is(body.end_reason, "lost");
  }
});
