import test from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { startStream } from "../../emulators/stream.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { launch } from "../../fixtures/launch.ts";
import { eventOf, reached } from "../../fixtures/session-watch.ts";
import { joinTestCall } from "../../fixtures/stream/caller.ts";

for (const how of ["die", "hang"]) {
  test.serial(
    `where the agent's thread ends (${how}) another one is in the call, and the one before is not`,
    async (t) => {
      const stream = await startStream();
      t.teardown(() => stream.close());
      const agentEnvironment = { ...process.env, ...stream.environment } as Record<string, string>;
      const launcher = await launch(t, "calls/come-back", { agentEnvironment, maxResumes: 3 });
      const supervisor = await supervisorOf(launcher);
      const session = await supervisor.startSession({ callId: "c1", config: { edge: "stream" } });
      await reached(session, "live");
      const agents = () => stream.call("default:c1").participants.filter(({ userId }) => userId === "agent");
      await joinTestCall(t, stream, "ada");
      await eventOf(
        session,
        (event) => event.type === "transcript" && event.final && event.text === "Hello there.",
      );
      const [before] = agents();
      supervisor.sendMessage(session, { text: how, participantId: "ada" });
      await eventOf(session, (event) => event.type === "resumed");
      await eventOf(
        session,
        (event) => event.type === "transcript" && event.final && event.text === `You said: ${how}`,
      );
      await eventually("one agent is in the call", () => agents().length === 1);
      t.not(agents()[0]?.sessionId, before?.sessionId);
      t.is(session.resumes, 1);
      await launcher.closeSession(session.id, { wait: true });
      t.deepEqual(agents(), []);
    },
  );
}
