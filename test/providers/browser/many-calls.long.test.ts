import { readdirSync, readlinkSync } from "node:fs";
import test from "ava";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { WeriftClient } from "../../fixtures/browser/werift-client.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const calls = 500;
const atOnce = 4;

/** The sockets of this process, its threads, and the timers of this thread. */
function held() {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return {
    sockets: links.filter((link) => link.startsWith("socket:")).length,
    threads: readdirSync("/proc/self/task").length,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
}

for (const mediaPort of [null, 0]) {
  const by = mediaPort === null ? "ports of their own" : "the media port";
  test.serial(`${calls} calls by ${by} leave no socket, thread or timer`, async (t) => {
    t.timeout(3_600_000);
    const launcher = await startLauncher({
      agent: agentUrl("calls/browser"),
      mediaPort,
      maxConcurrentSessions: atOnce,
      warmSessions: 2,
    });
    t.teardown(() => launcher.stop());
    const server = await openServer(t, launcher);
    let begun = 0;
    const one = async () => {
      const { session_id: id, session_token: token } = await server.start({ call_id: `call-${begun}` });
      const client = new WeriftClient("caller");
      const { connection } = client;
      await connection.setLocalDescription(await connection.createOffer());
      const answer = await server.ask(`/sessions/${id}/offer`, {
        method: "POST",
        headers: { "Content-Type": "application/sdp", "Greenroom-Session-Token": token },
        body: connection.localDescription?.sdp ?? "",
      });
      await connection.setRemoteDescription({ type: "answer", sdp: answer.text });
      await client.told("joined");
      // Every other one vanishes without a word.
      if (begun % 2 === 0) client.channel.send('{"type":"leave"}');
      await client.close();
      await launcher.closeSession(id, { wait: true });
    };
    const several = async (count: number) => {
      const until = begun + count;
      const line = async () => {
        while (begun < until) {
          begun += 1;
          await one();
        }
      };
      await Promise.all(Array.from({ length: atOnce }, line));
    };
    // What is loaded once, and the connections of `fetch`, are no leak.
    await several(20);
    const isCalm = () => launcher.listSessions().length === 0 && held().threads <= before.threads;
    let before = { ...held(), threads: Number.POSITIVE_INFINITY };
    await eventually("the reserve is whole", isCalm);
    before = held();
    await several(calls);
    await eventually("nothing is left", () => {
      const { sockets, threads, timers } = held();
      return sockets <= before.sockets && threads <= before.threads && timers <= before.timers;
    });
    t.pass();
  });
}
