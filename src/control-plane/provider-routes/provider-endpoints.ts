import type {
  ProviderAnswer,
  ProviderHttpRoute,
  ProviderRequest,
  ProviderRoute,
  ProviderSocketRoute,
} from "../../api/provider-route.ts";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { StartedSession } from "../documents/wire.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { maxBodyBytes, readWholeBody, swallowBody } from "../http/body.ts";
import { notesOf } from "../http/request-notes.ts";
import { receiveSocket } from "../sockets/receive-socket.ts";
import { RouteCalls } from "./route-calls.ts";

/** The longest time that a route may take besides a start, in milliseconds. Carriers wait about as long for an answer. */
const routeTimeoutMs = 15_000;

/** Returns the endpoints of the routes that providers bring along. They are not in the OpenAPI document. */
export function providerEndpoints(routes: readonly ProviderRoute[]): readonly Endpoint[] {
  return routes.map((route): Endpoint => {
    const { path } = route;
    if (route.method === "websocket")
      return { method: "get", path, documentation: null, handle: (exchange) => receive(exchange, route) };
    return {
      method: route.method,
      path,
      readsBody: true,
      documentation: null,
      handle: (exchange) => answer(exchange, route),
    };
  });
}

/** Brings a provider's client into the call that its path names. */
async function receive(exchange: Exchange, route: ProviderSocketRoute): Promise<void> {
  const { ctx, plane, params } = exchange;
  const request = requestOf(exchange, Buffer.alloc(0));
  const admitting = (async () => route.admit(request))();
  const { participant, data = {} } = await within(admitting, routeTimeoutMs, `The route ${route.path}`);
  const { session_id: id = "" } = params;
  const session = plane.findSession(id);
  if (!session || session.state === "ended") throw new GreenroomError("SESSION_NOT_FOUND", id);
  notesOf(ctx).sessionId = id;
  await receiveSocket(exchange, {
    session,
    callerKey: null,
    guest: { ...participant, madeUp: false },
    data,
    judgedAgain: false,
  });
}

async function answer(exchange: Exchange, route: ProviderHttpRoute): Promise<void> {
  const { ctx, hop, plane } = exchange;
  const body = await readWholeBody(ctx, notesOf(ctx).bodyHash);
  if (body.length > maxBodyBytes) {
    swallowBody(ctx);
    throw new GreenroomError("BODY_TOO_LARGE", String(maxBodyBytes));
  }
  const calls = new RouteCalls(exchange, route.path, body);
  const handling = (async () => route.handle(requestOf(exchange, body), calls))();
  const timeoutMs = routeTimeoutMs + plane.peerTimeouts.startMs;
  const handled = within(handling, timeoutMs, `The route ${route.path}`);
  if (hop?.kind === "forwarded") {
    // The peer that has no room wants only the started session: its own route answers the provider.
    const neverStarted = handled.then(() => {
      throw new GreenroomError("BAD_REQUEST", `The route ${route.path} started no session`);
    });
    send(exchange, await Promise.race([calls.started, neverStarted]));
  } else {
    reply(exchange, await handled);
  }
}

function send({ ctx }: Exchange, started: StartedSession): void {
  ctx.status = 201;
  ctx.body = started;
}

function reply({ ctx }: Exchange, answer: ProviderAnswer): void {
  const { status = 200, contentType = "application/json; charset=utf-8", headers = {}, body = "" } = answer;
  ctx.status = status;
  ctx.set({ ...headers, "Content-Type": contentType });
  ctx.body = Buffer.from(body);
}

function requestOf({ ctx, params, scope }: Exchange, body: Buffer): ProviderRequest {
  const { headers, query, ip } = scope;
  return { method: ctx.method, target: ctx.originalUrl, params, query, headers, body, ip };
}
