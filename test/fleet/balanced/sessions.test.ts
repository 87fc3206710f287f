import { balancedFleet, fleetTest } from "../../fixtures/fleet/balanced-fleet.ts";
import { ann, close, use } from "../../fixtures/fleet/use-session.ts";

const test = fleetTest();

test("sessions that the balancer started are viewed, measured, messaged, followed and closed through any replica", async (t) => {
  const { balancer, replicas } = await balancedFleet(t);
  const doors = [...replicas, balancer];
  for (const closing of [replicas[1], balancer]) {
    const { session_id } = await balancer.start({}, ann);
    const heard = [];
    for (const door of doors) heard.push(await use(t, door, session_id));
    for (const { ask } of doors) {
      const { sessions } = (await ask("/sessions", { headers: ann })).body;
      t.deepEqual(
        sessions.map((session: { session_id: string }) => session.session_id),
        [session_id],
      );
    }
    await close(t, closing, session_id, heard);
    for (const { ask } of doors) {
      const gone = await ask(`/sessions/${session_id}`, { headers: ann });
      t.deepEqual([gone.status, gone.body.end_reason], [404, "closed"]);
    }
  }
});
