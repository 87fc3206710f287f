import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type ExecutionContext } from "ava";
import { streamFleet } from "../../../src/control-plane/fleet/fleet-stream.ts";
import type { FleetMoment } from "../../../src/control-plane/fleet/fleet-view.ts";
import { eventually } from "../../fixtures/eventually.ts";

/** A stream to a client, and moments that the test tells. */
async function openStream(t: ExecutionContext) {
  const watchers = new Set<(moment: FleetMoment) => void>();
  const stopped = new AbortController();
  const denied = new AbortController();
  const asked = Promise.withResolvers<ServerResponse>();
  const over = Promise.withResolvers<string>();
  const server = createServer((_request, response) => {
    asked.resolve(response);
    const fleet = {
      watch(watcher: (moment: FleetMoment) => void) {
        watchers.add(watcher);
        return () => watchers.delete(watcher);
      },
    };
    const signals = { stopped: stopped.signal, denied: denied.signal };
    streamFleet(response, fleet, { whole: "first", news: "" }, signals).then(over.resolve, over.reject);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const sent = request({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }).end();
  t.teardown(() => {
    sent.destroy();
    server.close();
    server.closeAllConnections();
  });
  const [client] = (await once(sent, "response")) as [IncomingMessage];
  return {
    client,
    response: await asked.promise,
    over: over.promise,
    stopped,
    denied,
    watchers,
    tell: (moment: FleetMoment) => {
      for (const watcher of watchers) watcher(moment);
    },
  };
}

/** Reads until a text has come. Resolves with what was read. */
async function readUntil(client: IncomingMessage, text: string): Promise<string> {
  let read = "";
  client.setEncoding("utf8");
  client.on("data", (chunk: string) => {
    // Of long moments the ends are enough.
    read = (read + chunk).slice(-500_000);
  });
  client.resume();
  await eventually(`the client has read ${text}`, () => read.includes(text));
  return read;
}

test("a reader that is too slow has one moment waiting at the most, and is sent everything once it reads", async (t) => {
  const { client, response, tell } = await openStream(t);
  client.pause();
  const long = "x".repeat(400_000);
  // The kernel and Node take some megabytes before they say that it is enough.
  let told = 0;
  await eventually("the reader is behind", () => {
    tell({ whole: `everything ${told}`, news: `${long} news ${told}` });
    told += 1;
    return response.writableNeedDrain && response.writableLength > 0;
  });
  for (let count = 0; count < 50; count += 1) tell({ whole: "never", news: long });
  t.true(response.writableLength < 2 * long.length, `${response.writableLength} bytes wait`);
  const reading = readUntil(client, "data: everything again\n\n");
  await eventually("it has caught up", () => !response.writableNeedDrain);
  tell({ whole: "everything again", news: "not this" });
  const read = await reading;
  t.false(read.includes("never") || read.includes("not this"));
  tell({ whole: "not this either", news: "the next news" });
  t.regex(await readUntil(client, "data: the next news\n\n"), /the next news/);
});

test("a stream ends with its reader, with the server, or when the reader may not watch any more", async (t) => {
  const left = await openStream(t);
  left.client.destroy();
  t.is(await left.over, "left");
  t.is(left.watchers.size, 0);

  const stopping = await openStream(t);
  stopping.stopped.abort();
  t.is(await stopping.over, "stopped");
  t.regex(
    await readUntil(stopping.client, "data: first\n\n"),
    /^retry: 2000\n\nevent: fleet\ndata: first\n\n$/,
  );
  t.is(stopping.watchers.size, 0);

  const judged = await openStream(t);
  judged.denied.abort();
  t.is(await judged.over, "denied");
  await readUntil(judged.client, ": you may not watch the fleet any more");
  t.is(judged.watchers.size, 0);
});
