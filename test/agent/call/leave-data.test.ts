import test from "ava";
import type { Connection, Edge, JoinRequest } from "greenroom";
import { HostedAgent } from "../../fixtures/agent-host.ts";

const nobody = new Map<string, never>();

/** A call in which each join waits for its gate, and gives its number as its leave data once it is through. */
class GatedEdge implements Edge {
  readonly provider = "gated";
  readonly gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  readonly left = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  #joins = 0;

  async createCall() {
    return { callType: "default", callId: "call-1" };
  }

  async join(_: unknown, { leaveData }: JoinRequest): Promise<Connection> {
    const number = this.#joins++;
    await this.gates[number]!.promise;
    leaveData?.({ number });
    return {
      audio: null,
      participants: nobody,
      subscribe: () => () => undefined,
      leave: async () => this.left[number]!.resolve(),
    };
  }

  async close() {}
}

test("a join that came too late takes no leave data from the one that followed it", async (t) => {
  const edge = new GatedEdge();
  const leaveModules: unknown[] = [];
  const { agent } = new HostedAgent(
    { edge, limits: { joinTimeoutMs: 50 } },
    { leaveData: (given) => leaveModules.push(given) },
  );
  const call = await agent.createCall("default", "call-1");
  await t.throwsAsync(agent.join(call), { message: /To join the call took longer/ });
  edge.gates[1]!.resolve();
  await agent.join(call);
  t.deepEqual(leaveModules, [{ provider: "gated", data: { number: 1 } }]);

  edge.gates[0]!.resolve();
  await edge.left[0]!.promise;
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(leaveModules, [{ provider: "gated", data: { number: 1 } }], "it is in the call");
  await agent.close();
  t.deepEqual(leaveModules, [{ provider: "gated", data: { number: 1 } }, null]);
});
