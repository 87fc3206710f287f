import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { ExecutionContext } from "ava";

/** The record type of IPv4 addresses. */
const typeA = 1;
const classInternet = 1;

/** A name server on a port of 127.0.0.1 that knows IPv4 addresses of some names. It ends with the test. */
export class DnsServer {
  /** The addresses of each name. A name that is missing does not exist. */
  readonly addresses = new Map<string, readonly string[]>();
  readonly #socket: Socket = createSocket("udp4");

  static async open(t: Pick<ExecutionContext, "teardown">): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.on("message", (query, { port }) => {
      server.#socket.send(server.#answer(query), port, "127.0.0.1");
    });
    server.#socket.bind(0, "127.0.0.1");
    t.teardown(() => server.#socket.close());
    await once(server.#socket, "listening");
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(12, at + 5);
    const type = query.readUInt16BE(at + 1);
    const known = this.addresses.get(labels.join(".").toLowerCase());
    const found = type === typeA ? (known ?? []) : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response, recursion asked for and available; NXDOMAIN where the name does not exist.
    header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    return Buffer.concat([header, question, ...found.map(recordOf)]);
  }
}

/** Returns an address record for the name of the question, valid for 30 s as in a cluster. */
function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(classInternet, 4);
  record.writeUInt32BE(30, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split(".").map(Number), 12);
  return record;
}
