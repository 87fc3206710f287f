import { once } from "node:events";
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import test, { type ExecutionContext } from "ava";
import { Runner, type RunnerOptions, type ServerHandle } from "greenroom";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { trials } from "../fixtures/trials.ts";

/** A time longer than any test, in milliseconds. */
const forever = 600_000;

async function serve(
  t: ExecutionContext,
  options: RunnerOptions = {},
): Promise<{ server: ServerHandle; hasStopped: () => boolean }> {
  const launcher = await launch(t, "faults/misbehaving");
  const server = await new Runner(launcher, { port: 0, ...options }).serve();
  await server.ready;
  let over = false;
  t.teardown(() => server.close());
  return {
    server: {
      ...server,
      close: async (how) => {
        const shutdown = await server.close(how);
        over = true;
        return shutdown;
      },
    },
    hasStopped: () => over,
  };
}

/** A client that keeps its one connection, as polls do. */
function client(t: ExecutionContext, server: ServerHandle) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const send = (path: string): ClientRequest => request(server.url + path, { agent }).end();
  const read = async (sent: ClientRequest): Promise<IncomingMessage & { reused: boolean }> => {
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    await answer.resume().toArray();
    return Object.assign(answer, { reused: sent.reusedSocket });
  };
  return { send, read, ask: (path: string) => read(send(path)) };
}

test.serial("a connection that is idle when a shutdown is announced takes one more request", async (t) => {
  const { server } = await serve(t);
  const { ask } = client(t, server);
  t.is((await ask("/serving")).headers.connection, "keep-alive");
  const hurry = new AbortController();
  const closed = server.close({ announceMs: forever, signal: hurry.signal });
  const next = await ask("/serving");
  t.is(next.statusCode, 400, "the shutdown is announced");
  t.true(next.reused, "on the kept connection");
  t.is(next.headers.connection, "close");
  t.false((await ask("/health")).reused, "then the client comes on another one");
  hurry.abort();
  await closed;
});

test.serial("a request that is under way when it is announced is answered so too", async (t) => {
  const asked = Promise.withResolvers<void>();
  const may = Promise.withResolvers<string>();
  const getCurrentUser = () => {
    asked.resolve();
    return may.promise;
  };
  const { server } = await serve(t, { getCurrentUser });
  const { send, read } = client(t, server);
  const sent = send("/sessions");
  await asked.promise;
  const hurry = new AbortController();
  const closed = server.close({ announceMs: forever, signal: hurry.signal });
  may.resolve("ann");
  const answer = await read(sent);
  t.is(answer.statusCode, 200);
  t.is(answer.headers.connection, "close");
  hurry.abort();
  await closed;
});

test.serial(
  "none of many kept connections is reset while a shutdown is announced, time after time",
  async (t) => {
    const rounds = trials(2, 6);
    let polls = 0;
    for (let round = 0; round < rounds; round += 1) {
      const { server, hasStopped } = await serve(t);
      const resets: string[] = [];
      const counts = Array.from({ length: 8 }, () => 0);
      const polling = counts.map(async (_, index) => {
        const { send, read } = client(t, server);
        while (!hasStopped()) {
          const sent = send(index % 2 === 0 ? "/serving" : "/sessions");
          try {
            await read(sent);
            counts[index]! += 1;
          } catch (error) {
            // A connection that was never taken is refused, and the client goes elsewhere.
            const { code = "" } = error as NodeJS.ErrnoException;
            if (sent.reusedSocket) resets.push(code);
            else if (code === "ECONNREFUSED") return;
          }
        }
      });
      await eventually("all poll", () => counts.every((count) => count > 5));
      const before = [...counts];
      const hurry = new AbortController();
      const closed = server.close({ announceMs: forever, signal: hurry.signal });
      await eventually("all have polled on", () =>
        counts.every((count, index) => count > before[index]! + 20),
      );
      hurry.abort();
      await closed;
      await Promise.all(polling);
      t.deepEqual(resets, []);
      polls += counts.reduce((sum, count) => sum + count, 0);
    }
    t.true(polls > 160 * rounds);
  },
);
