import { connect } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { PlainReplica } from "../fixtures/k8s/plain-replica.ts";
import { needs } from "../fixtures/needs.ts";
import { Balancer } from "../fixtures/programs/haproxy.ts";

const withHaproxy = needs("haproxy", test.serial);

/** The requests with a token, by the place where it is. */
const requests: Readonly<Record<string, readonly string[]>> = {
  "a query string": ["GET /sessions/some-id/events?token=TELLTALE HTTP/1.1"],
  "a query string of an address": ["GET http://greenroom/sessions?token=TELLTALE HTTP/1.1"],
  "the user of an address": ["GET http://user:TELLTALE@greenroom/sessions HTTP/1.1"],
  "a query string behind another mark": ["GET /sessions?a?token=TELLTALE HTTP/1.1"],
  Authorization: ["POST /sessions HTTP/1.1", "Authorization: Bearer TELLTALE", "Content-Length: 0"],
  "X-Api-Key": ["GET /sessions HTTP/1.1", "X-Api-Key: TELLTALE"],
  "a cookie": ["GET /sessions HTTP/1.1", "Cookie: session=TELLTALE"],
  "a referring page": ["GET /sessions HTTP/1.1", "Referer: https://example.com/?token=TELLTALE"],
  "a WebSocket's subprotocol": [
    "GET /sessions/some-id/socket HTTP/1.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: bearer, TELLTALE",
  ],
  "a request that is wrong": ["GET /sessions?token=TELLTALE HTTP/9.9"],
  "a header that is wrong": ["GET /sessions?token=TELLTALE HTTP/1.1", "Autho rization: TELLTALE"],
  "a method that is none": ["TELL<TALE /sessions?token=TELLTALE HTTP/1.1"],
  "a request that is too long": [`GET /sessions?token=TELLTALE${"x".repeat(20_000)} HTTP/1.1`],
};

withHaproxy("its log has the path of each request, and never a token", async (t) => {
  const replica = await PlainReplica.open(t, "a");
  const balancer = await Balancer.open(t, [replica]);
  const { port } = new URL(balancer.url);
  for (const [name, lines] of Object.entries(requests)) {
    const [first = "", ...headers] = lines;
    const before = balancer.child.stdout.length;
    const socket = connect(Number(port), "127.0.0.1");
    socket.end(`${[first, "Host: greenroom", "Connection: close", ...headers].join("\r\n")}\r\n\r\n`);
    t.regex(await text(socket), /^HTTP\/1\.1 \d{3} /, name);
    // Each has a line, which is there once the connection is closed, or soon after.
    await balancer.child.printed(new RegExp(`^[\\s\\S]{${before}}[\\s\\S]*"\\n`));
  }
  t.regex(balancer.child.stdout, /"GET \/sessions\/some-id\/events HTTP\/1\.1"/);
  t.notRegex(balancer.child.stdout + balancer.child.stderr, /TELL|token=|Bearer/);
  t.is(balancer.child.stdout.match(/"$/gm)?.length, Object.keys(requests).length);
});
