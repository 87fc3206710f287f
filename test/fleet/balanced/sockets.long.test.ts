import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { balancedFleet, fleetTest, placesOf } from "../../fixtures/fleet/balanced-fleet.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";

const test = fleetTest();

test("a socket lives as long as its call: it is cut with its replica, and closed when that shuts down", async (t) => {
  const { balancer, replicas } = await balancedFleet(t, {
    launcher: { agent: agentUrl("calls/sockets") },
    runner: { drainTimeoutMs: 1_000 },
  });
  const opened = async () => {
    const { session_id: id, session_token: token } = await balancer.start();
    const media = `/sessions/${id}/media`;
    const { owner, others } = await placesOf(replicas, id);
    const [other] = others;
    const { client } = await SocketClient.open(t, `${other?.url}${media}`, { token });
    const { client: balanced } = await SocketClient.open(t, `${balancer.url}${media}`, { token });
    t.is(await client.ask("hello"), "hello");
    t.is(await balanced.ask("hello"), "hello");
    return { id, owner, client, balanced };
  };

  const draining = await opened();
  const drained = draining.owner.drain();
  t.deepEqual(await draining.client.closed, { code: 1_001, reason: "drained" });
  t.deepEqual(await draining.balanced.closed, { code: 1_001, reason: "drained" });
  await drained;
  await draining.owner.restart();

  const dying = await opened();
  await dying.owner.kill();
  t.is((await dying.client.closed).code, 1_006);
  t.is((await dying.balanced.closed).code, 1_006);
  await eventually("the others know that it is lost", async () => {
    const { status, body } = await balancer.ask(`/sessions/${dying.id}`);
    return status === 404 && body.end_reason === "lost";
  });
});
