import Router from "@koa/router";
import type Koa from "koa";
import type { ProviderRoute } from "../api/provider-route.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { ControlPlane } from "./control-plane.ts";
import { clientEndpoints } from "./documents/client-module.ts";
import { documentationEndpoints } from "./documents/docs.ts";
import type { Endpoint } from "./endpoint.ts";
import { callEndpoints } from "./endpoints/calls.ts";
import { joinTokenEndpoints } from "./endpoints/join-token.ts";
import { mediaEndpoints } from "./endpoints/media.ts";
import { messageEndpoints } from "./endpoints/messages.ts";
import { sessionMetricsEndpoints } from "./endpoints/metrics.ts";
import { offerEndpoints } from "./endpoints/offer.ts";
import { probeEndpoints } from "./endpoints/probes.ts";
import { sessionEndpoints } from "./endpoints/sessions.ts";
import { steeringEndpoints } from "./endpoints/steering.ts";
import { eventEndpoints } from "./events/events.ts";
import { Exchange } from "./exchange.ts";
import { fleetEndpoints } from "./fleet/fleet-endpoints.ts";
import { notesOf } from "./http/request-notes.ts";
import { prometheusEndpoint } from "./metrics-app.ts";
import { answeredElsewhere } from "./peers/pass-on.ts";
import { providerEndpoints } from "./provider-routes/provider-endpoints.ts";

/** Returns every endpoint that the options enable. */
export function allEndpoints(options: {
  readonly metricsPort: number | null;
  readonly authenticated: boolean;
  readonly strictBodies: boolean;
  readonly providerRoutes?: readonly ProviderRoute[];
}): readonly Endpoint[] {
  const endpoints = [
    ...sessionEndpoints,
    ...sessionMetricsEndpoints,
    ...messageEndpoints,
    ...steeringEndpoints,
    ...joinTokenEndpoints,
    ...offerEndpoints,
    ...mediaEndpoints,
    ...eventEndpoints,
    ...callEndpoints,
    ...fleetEndpoints,
    ...probeEndpoints,
    ...(options.metricsPort === null ? [prometheusEndpoint] : []),
  ];
  const ofProviders = providerEndpoints(options.providerRoutes ?? []);
  for (const { method, path } of ofProviders) {
    const sharing = [...endpoints, ...ofProviders].filter(
      (one) => one.method === method && one.path === path,
    );
    if (sharing.length > 1)
      throw new GreenroomError("INVALID_OPTIONS", `providerRoutes: ${method} ${path} is there twice`);
  }
  return [
    ...endpoints,
    ...ofProviders,
    ...clientEndpoints,
    ...documentationEndpoints(endpoints, {
      secured: options.authenticated,
      strictBodies: options.strictBodies,
    }),
  ];
}

/** The route of a request. */
export type Match =
  | { readonly endpoint: Endpoint }
  /** There is such a path, but not with this method. */
  | { readonly endpoint: null; readonly allow: string }
  | null;

/** Finds the endpoint of a request and runs it. */
export class EndpointRouter {
  readonly #plane: ControlPlane;
  readonly #router = new Router({ sensitive: true });
  readonly #dispatch: Koa.Middleware;
  readonly #byPath: ReadonlyMap<string, readonly Endpoint[]>;

  constructor(plane: ControlPlane, endpoints = allEndpoints(plane.options)) {
    this.#plane = plane;
    this.#byPath = Map.groupBy(endpoints, ({ path }) => routePath(path));
    for (const endpoint of endpoints) {
      this.#router[endpoint.method](routePath(endpoint.path), async (ctx) => {
        const exchange = new Exchange(ctx as unknown as Koa.Context, this.#plane, ctx.params, endpoint);
        await this.#run(endpoint, exchange);
      });
    }
    this.#dispatch = this.#router.routes() as unknown as Koa.Middleware;
  }

  match(ctx: Koa.Context): Match {
    const { path: layers } = this.#router.match(ctx.path, ctx.method);
    const [layer] = layers;
    if (!layer) return null;
    const ofPath = this.#byPath.get(String(layer.path)) ?? [];
    const method = ctx.method === "HEAD" ? "GET" : ctx.method;
    const endpoint = ofPath.find((candidate) => candidate.method.toUpperCase() === method);
    return endpoint ? { endpoint } : { endpoint: null, allow: allowed(ofPath) };
  }

  /** Answers a request that has an endpoint. */
  async run(ctx: Koa.Context): Promise<void> {
    await this.#dispatch(ctx, async () => undefined);
  }

  /** Answers a request whose path has other methods: OPTIONS with 204, others with METHOD_NOT_ALLOWED. */
  refuseMethod(ctx: Koa.Context, allow: string): void {
    ctx.set("Allow", allow);
    if (ctx.method !== "OPTIONS") throw new GreenroomError("METHOD_NOT_ALLOWED");
    ctx.status = 204;
  }

  async #run(endpoint: Endpoint, exchange: Exchange): Promise<void> {
    notesOf(exchange.ctx).route = endpoint.path;
    try {
      if (exchange.hop?.kind === "located") answerLocated(exchange);
      else if (!(await answeredElsewhere(exchange, endpoint))) await endpoint.handle(exchange);
    } catch (error) {
      if (!endpoint.handleError?.(exchange, error)) throw error;
    } finally {
      await this.#plane.permissions.release(exchange.scope);
    }
  }
}

/** Returns a path such as `/sessions/{id}` in the form of the router: `/sessions/:id`. */
const routePath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

function allowed(endpoints: readonly Endpoint[]): string {
  const methods = endpoints.map(({ method }) => method.toUpperCase());
  const withHead = methods.includes("GET") ? ["HEAD", ...methods] : methods;
  return [...withHead, "OPTIONS"].join(", ");
}

/** Answers a peer that looks for the owner of a session. Permissions are judged when the request itself comes. */
function answerLocated({ ctx, plane, params }: Exchange): void {
  notesOf(ctx).quiet = true;
  ctx.status = plane.supervisor.getSession(params.session_id ?? "") ? 204 : 404;
}
