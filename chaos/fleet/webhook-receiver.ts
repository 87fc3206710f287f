import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { machineNow } from "../clock.ts";

/** `failing`: 500. `busy`: 429 with Retry-After. `hanging`: no answer. `late`: 204 after 3 s, with the message taken. */
export type ReceiverMode = "well" | "failing" | "busy" | "hanging" | "late" | "refusing";

const secret = `whsec_${Buffer.alloc(24, "chaos").toString("base64")}`;
const lateMs = 3_000;

/** A message that the receiver took: answered 2xx, or would have answered so. */
export interface ToldEnd {
  readonly at: number;
  readonly webhookId: string;
  readonly sessionId: string;
  readonly endReason: string;
  /** The body as it came. */
  readonly body: string;
}

/** The backend that is told of every end, from outside the servers. */
export class WebhookReceiver implements AsyncDisposable {
  readonly told: ToldEnd[] = [];
  /** The flaws of messages: signatures, bodies. */
  readonly flaws: string[] = [];
  readonly #port: number;
  readonly #onTold: (told: ToldEnd) => void;
  readonly #signature = new Webhook(secret);
  readonly #hanging = new Set<ServerResponse>();
  #server: Server | null;
  #mode: ReceiverMode = "well";

  private constructor(server: Server, onTold: (told: ToldEnd) => void) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#onTold = onTold;
    this.#serve(server);
  }

  static async open(onTold: (told: ToldEnd) => void): Promise<WebhookReceiver> {
    return new WebhookReceiver(await listen(0), onTold);
  }

  /** The address and the secret, for the options of a launcher. */
  get options(): { readonly url: string; readonly secret: string } {
    return { url: `http://127.0.0.1:${this.#port}/ends`, secret };
  }

  async become(mode: ReceiverMode): Promise<void> {
    const was = this.#mode;
    this.#mode = mode;
    if (was === "hanging") {
      for (const response of this.#hanging) response.destroy();
      this.#hanging.clear();
    }
    if (mode === "refusing") await this.#close();
    else if (this.#server === null) {
      this.#server = await listen(this.#port);
      this.#serve(this.#server);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  #serve(server: Server): void {
    server.on("request", (request, response) => {
      this.#receive(request, response).catch(() => response.destroy());
    });
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    switch (this.#mode) {
      case "failing":
        response.writeHead(500).end();
        return;
      case "busy":
        response.writeHead(429, { "retry-after": "2" }).end();
        return;
      case "hanging":
        this.#hanging.add(response);
        return;
      case "late":
        setTimeout(() => response.writeHead(204).end(), lateMs).unref();
        break;
      case "well":
      case "refusing":
        response.writeHead(204).end();
    }
    this.#take(request, body);
  }

  #take({ headers }: IncomingMessage, body: string): void {
    const webhookId = String(headers["webhook-id"]);
    try {
      this.#signature.verify(body, headers as Record<string, string>);
      const { data } = JSON.parse(body) as { data: { session_id: string; end_reason: string } };
      const told = {
        at: machineNow(),
        webhookId,
        sessionId: data.session_id,
        endReason: data.end_reason,
        body,
      };
      this.told.push(told);
      this.#onTold(told);
    } catch (error) {
      this.flaws.push(`${webhookId}: ${String(error)}`);
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
