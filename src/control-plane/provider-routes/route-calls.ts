import type { ProviderCalls, ProviderStart, ProviderStarted } from "../../api/provider-route.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { startRequest } from "../documents/schemas.ts";
import type { StartedSession } from "../documents/wire.ts";
import { begin, onceByKey } from "../endpoints/start.ts";
import type { Exchange } from "../exchange.ts";
import { onceKey } from "../http/idempotency.ts";
import { validated } from "../http/invalid-request.ts";
import { notesOf } from "../http/request-notes.ts";
import { headersOf } from "../peers/passed-on.ts";

/** The methods by which a provider's route acts on calls, in the course of one request to it. */
export class RouteCalls implements ProviderCalls {
  readonly #exchange: Exchange;
  readonly #path: string;
  readonly #body: Buffer;
  readonly #started = Promise.withResolvers<StartedSession>();
  #asked = false;
  #repeated = false;

  /** Takes the path of the route, and the original body of the request. */
  constructor(exchange: Exchange, path: string, body: Buffer) {
    this.#exchange = exchange;
    this.#path = path;
    this.#body = body;
    this.#started.promise.catch(() => undefined);
  }

  /** Settles with the session that the route has started, or the error of the start. */
  get started(): Promise<StartedSession> {
    return this.#started.promise;
  }

  async start(start: ProviderStart): Promise<ProviderStarted> {
    if (this.#asked) throw new Error(`The route ${this.#path} may start one session a request`);
    this.#asked = true;
    try {
      const started = await this.#start(start);
      this.#started.resolve(started);
      notesOf(this.#exchange.ctx).sessionId = started.session_id;
      return { sessionId: started.session_id, sessionToken: started.session_token, repeated: this.#repeated };
    } catch (error) {
      this.#started.reject(error);
      throw error;
    }
  }

  close(sessionId: string): Promise<boolean> {
    return this.#exchange.plane.supervisor.closeSession(sessionId, { by: `route ${this.#path}` });
  }

  async #start({
    callId,
    callType = "default",
    config = {},
    createdBy = null,
    onceKey: name,
  }: ProviderStart): Promise<StartedSession> {
    const exchange = this.#exchange;
    const { ctx, hop, plane } = exchange;
    const body = validated(startRequest, { call_id: callId, call_type: callType, config }, "body");
    if (!hop) plane.starts.take(`route ${this.#path}`);
    const departed = new AbortController();
    // A named start may be asked for again, and its answer has to be known then: so it is not ended when the client leaves.
    if (name === undefined)
      ctx.res.once("close", () => departed.abort(new GreenroomError("START_ABANDONED")));
    const request = {
      callId: body.call_id,
      callType: body.call_type,
      config: body.config as JsonObject,
      createdBy,
    };
    // There always is a body, though it may be empty, since a peer cannot act before it has received one.
    const passedOn = () => ({ headers: headersOf(ctx.req, notesOf(ctx).id), body: this.#body });
    const run = () => begin(exchange, { request, passedOn }, departed.signal);
    // The peer that has no room keeps the answer to the key.
    if (name === undefined || hop) return run();
    const { answer, replayed } = await onceByKey(exchange, onceKey(`route ${this.#path}`, name, null), run);
    this.#repeated = replayed;
    return answer;
  }
}
