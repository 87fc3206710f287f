import { createServer, get, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { asksForWebSocket, routes, serveUpgrades } from "greenroom";
import Koa from "koa";
import { cutUpgrades } from "../../../src/control-plane/sockets/serve-upgrades.ts";
import { asking } from "../../fixtures/http/open-server.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";
import { launch } from "../../fixtures/launch.ts";

test("a server of one's own, with the API below a path of its application, takes clients in", async (t) => {
  const launcher = await launch(t, "sockets");
  const app = new Koa();
  app.use(routes(launcher));
  app.use((ctx) => {
    ctx.body = "What else it does";
  });
  const api = app.callback();
  const listener: RequestListener = (request, response) => {
    request.url = request.url?.replace(/^\/agents/, "") ?? "";
    void api(request, response);
  };
  const server = createServer({ shouldUpgradeCallback: asksForWebSocket }, listener);
  serveUpgrades(server, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
    cutUpgrades(server);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/agents`;
  const { session_id: id, session_token: token } = await asking(url).start();
  const { client } = await SocketClient.open(t, `${url}/sessions/${id}/media`, { token });
  t.is(await client.ask("hello"), "hello");
  t.like(await SocketClient.refused(t, `${url}/sessions/${id}/media`, { protocols: ["other"] }), {
    status: 422,
  });

  // What asks for another protocol, as clients that would like HTTP/2 do, is answered as if it had not.
  const { promise: body, resolve } = Promise.withResolvers<string>();
  const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAAA" };
  get(`${url}/hello`, { headers }, (response) => resolve(text(response)));
  t.is(await body, "What else it does");
});
