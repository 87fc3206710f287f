import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import fc from "fast-check";
import { classes, Message, methods } from "werift";
import { Random } from "../../../chaos/random.ts";
import { addressOf, headerLength, headerOf } from "../../../src/media/port/address-header.ts";
import { MediaPort } from "../../../src/media/port/media-port.ts";
import { MediaPortClient, MediaPortError } from "../../../src/media/port/media-port-client.ts";
import { eventually } from "../../fixtures/eventually.ts";

const test = anyTest as TestFn;
const password = "a password of ICE that is long";

async function bound(t: ExecutionContext): Promise<Socket> {
  const socket = createSocket("udp4");
  t.teardown(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** A media port, and a session that is served by it. */
async function opened(t: ExecutionContext) {
  const media = await MediaPort.open(0);
  const channels: MessageChannel[] = [];
  const client = new MediaPortClient({
    connect: async () => {
      const channel = new MessageChannel();
      channels.push(channel);
      media.serve(channel.port1);
      return channel.port2;
    },
  });
  t.teardown(async () => {
    client.close();
    await media.close();
  });
  /** Opens a path of this user, whose packets `socket` gets. */
  const open = async (user: string) => {
    const socket = await bound(t);
    const path = await client.open({ address: "127.0.0.1", user, password, port: socket.address().port });
    return { socket, path };
  };
  return { media, client, channels, open };
}

function request(user: string, key = password): Buffer {
  return new Message(methods.BINDING, classes.REQUEST)
    .setAttribute("USERNAME", user)
    .addMessageIntegrity(Buffer.from(key))
    .addFingerprint().bytes;
}

async function next(socket: Socket): Promise<Buffer> {
  const [packet] = (await once(socket, "message")) as [Buffer];
  return packet;
}

test("packets go both ways once a client has signed a request", async (t) => {
  const { open } = await opened(t);
  const { socket, path } = await open("here:there");
  const client = await bound(t);
  const came = next(socket);
  const asked = request("here:there");
  client.send(asked, path.port, "127.0.0.1");
  const packet = await came;
  t.deepEqual(packet.subarray(headerLength), asked);
  t.deepEqual(addressOf(packet), ["127.0.0.1", client.address().port]);
  const sound = next(socket);
  client.send("sound", path.port, "127.0.0.1");
  t.is((await sound).toString("utf8", headerLength), "sound");
  const answer = next(client);
  socket.send([packet.subarray(0, headerLength), Buffer.from("answer")], path.relayPort, "127.0.0.1");
  t.is((await answer).toString(), "answer");
});

test("two paths by one port, and each gets what is its own", async (t) => {
  const { open } = await opened(t);
  const paths = await Promise.all(["a:x", "b:x", "a:y"].map((user) => open(user)));
  t.is(new Set(paths.map(({ path }) => path.port)).size, 1);
  for (const [place, user] of ["a:x", "b:x", "a:y"].entries()) {
    const { socket, path } = paths[place]!;
    const client = await bound(t);
    const [first] = [next(socket), client.send(request(user), path.port, "127.0.0.1")];
    await first;
    const second = next(socket);
    client.send(user, path.port, "127.0.0.1");
    t.is((await second).toString("utf8", headerLength), user);
  }
});

test("packets of strangers reach nobody, whatever they are", async (t) => {
  const { open } = await opened(t);
  const { socket, path } = await open("here:there");
  const [eve, ann] = [await bound(t), await bound(t)];
  const got: Buffer[] = [];
  socket.on("message", (packet) => got.push(packet));
  const random = new Random(5);
  const right = request("here:there");
  const wrong = [
    Buffer.alloc(0),
    request("here:there", "another password that is long"),
    request("here:nobody"),
    right.subarray(0, 30),
    // The request of another, cut before its signature.
    Buffer.concat([right.subarray(0, 2), Buffer.from([0, 16]), right.subarray(4, 36)]),
    Buffer.from("sound"),
  ];
  for (const packet of wrong) eve.send(packet, path.port, "127.0.0.1");
  for (let left = 500; left > 0; left -= 1) {
    const packet = Buffer.from(right);
    // Behind the signature stands a checksum that means nothing here.
    const place = random.between(0, packet.length - 9);
    packet[place] = packet[place]! ^ random.between(1, 255);
    eve.send(packet, path.port, "127.0.0.1");
    if (left % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // Nothing goes to whoever has not asked, although the session's thread names them.
  eve.on("message", () => t.fail("a stranger was sent something"));
  socket.send([headerOf("127.0.0.1", eve.address().port), Buffer.from("x")], path.relayPort, "127.0.0.1");
  // A stranger at the private port is not heard either.
  eve.send(
    Buffer.concat([headerOf("127.0.0.1", ann.address().port), Buffer.from("x")]),
    path.relayPort,
    "127.0.0.1",
  );
  const came = next(socket);
  ann.send(right, path.port, "127.0.0.1");
  await came;
  t.deepEqual(
    got.map((packet) => packet.subarray(headerLength)),
    [right],
  );
});

test("a path has its latest addresses alone, however many its client asks from", async (t) => {
  const { open } = await opened(t);
  const { socket, path } = await open("here:there");
  const clients: Socket[] = [];
  for (let left = 40; left > 0; left -= 1) {
    const client = await bound(t);
    clients.push(client);
    const came = next(socket);
    client.send(request("here:there"), path.port, "127.0.0.1");
    await came;
  }
  const got: string[] = [];
  socket.on("message", (packet) => got.push(packet.toString("utf8", headerLength)));
  clients[0]?.send("the first", path.port, "127.0.0.1");
  clients.at(-1)?.send("the last", path.port, "127.0.0.1");
  await eventually("the last is heard", () => got.includes("the last"));
  t.deepEqual(got, ["the last"]);
});

test("a path is gone with its connection, and all of a session with its thread", async (t) => {
  const { media, channels, open } = await opened(t);
  const { path } = await open("here:there");
  await t.throwsAsync(open("here:there"), {
    instanceOf: MediaPortError,
    message: /such a connection is open/,
  });
  t.is(media.paths, 1);
  path.close();
  await eventually("it is closed", () => media.paths === 0);
  await open("here:there");
  await open("here:somebody");
  t.is(media.paths, 2);
  channels[0]?.port2.close();
  await eventually("all are closed", () => media.paths === 0);
  await open("here:there");
  t.is(channels.length, 2, "the session has connected again");
});

test("what is no message of a session is nothing", async (t) => {
  const { media, channels, open } = await opened(t);
  await open("here:there");
  const port = channels[0]?.port2;
  for (const message of [null, 7, "open", {}, { type: "open", number: 9 }, { type: "close" }])
    port?.postMessage(message);
  port?.postMessage({ type: "open", number: 9, address: "localhost", user: "a:b", password, port: 9 });
  port?.postMessage({ type: "open", number: 9, address: "127.0.0.1", user: "a:b", password, port: 0 });
  await open("here:somebody");
  t.is(media.paths, 2);
});

test("an address that is not of this machine is refused in words", async (t) => {
  const { client } = await opened(t);
  await t.throwsAsync(client.listen("192.0.2.1"), {
    instanceOf: MediaPortError,
    message: /The media port cannot be used: bind EADDRNOTAVAIL 192\.0\.2\.1/,
  });
  await client.listen("127.0.0.1");
  await client.listen("::1");
});

test("an address stands before a packet as it is", (t) => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 65_535 }), (address, port) => {
      t.deepEqual(addressOf(headerOf(address, port)), [address, port]);
      t.deepEqual(headerOf(`::ffff:${address}`, port), headerOf(address, port));
    }),
  );
  const same = (address: string) => new URL(`http://[${address}]`).hostname;
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const [read] = addressOf(headerOf(address, 1));
      if (!read.includes(".")) t.is(same(read), same(address));
    }),
  );
});
