import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The time from the call until the whole answer was there, in milliseconds. */
  readonly tookMs: number;
}

/** A small HTTP client over kept connections: it adds less to what it measures than `fetch` does. */
export class Client {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.url = url;
  }

  send(method: string, path: string, body?: unknown): Promise<Answer> {
    const begunAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const outgoing = request(this.url + path, { method, agent: this.#agent, headers, timeout: 60_000 });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${method} ${path}: no answer within 60 s`)));
    outgoing.on("error", reject);
    outgoing.on("response", async (response) => {
      const chunks = await response.toArray();
      const tookMs = performance.now() - begunAt;
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), tookMs });
    });
    outgoing.end(text);
    return promise;
  }

  /** Starts a session. Throws where the answer is not 201. */
  async start(
    callId: string,
    config: object = {},
  ): Promise<{ readonly id: string; readonly tookMs: number }> {
    const answer = await this.send("POST", "/sessions", { call_id: callId, config });
    if (answer.status !== 201) throw new Error(`POST /sessions: ${answer.status} ${answer.body}`);
    return { id: (JSON.parse(answer.body) as { session_id: string }).session_id, tookMs: answer.tookMs };
  }

  /** Ends a session and waits until it is over. */
  async end(id: string): Promise<void> {
    const answer = await this.send("DELETE", `/sessions/${id}?wait=true`);
    if (answer.status !== 204) throw new Error(`DELETE /sessions/${id}: ${answer.status} ${answer.body}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}
