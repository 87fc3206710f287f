import { once } from "node:events";
import { connect, type Socket } from "node:net";
import anyTest, { type TestFn } from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { openServer, startLauncher } from "../fixtures/http/open-server.ts";
import { program } from "../fixtures/runner/child.ts";
import { ask } from "../fixtures/runner/rest.ts";
import { trials } from "../fixtures/trials.ts";

const test = anyTest.serial as TestFn;

/** A client that has sent a start. */
async function sendStart(url: string, callId: string, headers: readonly string[] = []): Promise<Socket> {
  const { port } = new URL(url);
  const body = JSON.stringify({ call_id: callId });
  const head = [
    "POST /sessions HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    ...headers,
  ];
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, () => resolve());
  });
  return socket;
}

/** Ways to leave: both ends of a connection know FIN; RST comes where the client died or had an answer to read. */
const ways: Readonly<Record<string, (socket: Socket) => Promise<unknown>>> = {
  FIN: (socket) => new Promise<void>((resolve) => socket.end(resolve)),
  "both sides closed": (socket) => once(socket.destroy(), "close"),
  RST: (socket) => once(socket.resetAndDestroy(), "close"),
};

for (const name of trials(["FIN"], Object.keys(ways))) {
  const leave = ways[name]!;
  test(`starts whose clients left while the server stood still are not started: ${name}`, async (t) => {
    const child = program(t, ["serve"], { launcher: { maxConcurrentSessions: 64, ignoreLoad: true } });
    const url = await child.readyUrl();
    child.kill("SIGSTOP");
    t.teardown(() => child.kill("SIGCONT"));
    const clients = await Promise.all(Array.from({ length: 40 }, () => sendStart(url, "left")));
    const stays = await sendStart(url, "stays");
    const answer = new Promise<string>((resolve) => stays.once("data", (data) => resolve(String(data))));
    await Promise.all(clients.map(leave));
    child.kill("SIGCONT");
    t.regex(await answer, /^HTTP\/1\.1 201 /);
    t.is((await ask(url, "/health")).status, 200);
    const { body } = await ask(url, "/sessions");
    t.deepEqual(
      body.sessions.map(({ call_id }: { call_id: string }) => call_id),
      ["stays"],
    );
    t.is(child.log.filter(({ event }) => event === "session_started").length, 1);
    stays.destroy();
  });
}

test("who asks again with the same key gets the session that nobody waited for the first time", async (t) => {
  const launcher = await startLauncher({ maxConcurrentSessions: 1, closeGraceMs: 2_000 });
  t.teardown(() => launcher.stop());
  const { url, ask, start } = await openServer(t, launcher);
  const { session_id } = await start({ call_id: "first", config: { course: "ignores-close" } });
  await eventually("it is live", async () => (await ask(`/sessions/${session_id}`)).body.state === "live");
  await ask(`/sessions/${session_id}`, { method: "DELETE" });
  // Both wait for the place that it still holds.
  const headers = { "Idempotency-Key": "key" };
  const gone = await sendStart(url, "second", ["Idempotency-Key: key"]);
  const again = ask("/sessions", { json: { call_id: "second" }, headers });
  gone.destroy();
  const { status, body } = await again;
  t.is(status, 201);
  t.deepEqual(
    launcher.listSessions().map(({ id }) => id),
    [body.session_id],
  );
});
