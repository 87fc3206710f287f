import type { MessagePort } from "node:worker_threads";
import type { SharedThreadAccess } from "../../agent/thread/shared-threads.ts";
import { within } from "../../shared/deadline.ts";
import type { FromMediaPort, MediaPath, ToMediaPort } from "../../shared/media-port.ts";

/** An open path: the port to tell the other side, and that at 127.0.0.1 to which its packets are sent. */
export interface OpenPath {
  readonly port: number;
  readonly relayPort: number;
  close(): void;
}

type Opened = Extract<FromMediaPort, { type: "opened" }>;
type Request = ToMediaPort extends infer Message
  ? Message extends { readonly type: "open" | "listen" }
    ? Omit<Message, "number">
    : never
  : never;

/** The longest wait for an answer of the media port, in milliseconds. */
const answerMs = 3_000;

/** The media port did not open a path. */
export class MediaPortError extends Error {
  override readonly name = "MediaPortError";
  readonly code = "MEDIA_PORT_UNAVAILABLE";
}

/** A session thread's side of the media port. It connects when it is first used, and again where the port's thread was lost. */
export class MediaPortClient {
  readonly #access: SharedThreadAccess;
  readonly #asked = new Map<number, PromiseWithResolvers<Opened>>();
  #connecting: Promise<MessagePort> | null = null;
  #count = 0;

  constructor(access: SharedThreadAccess) {
    this.#access = access;
  }

  /** Has packets taken at an address of this machine. Rejects with a {@link MediaPortError} where that is not possible. */
  async listen(address: string): Promise<void> {
    await this.#ask(await this.#port(), { type: "listen", address });
  }

  /** Opens a path. Rejects with a {@link MediaPortError} where that is not possible. The caller closes it. */
  async open(path: MediaPath): Promise<OpenPath> {
    const session = await this.#port();
    const { number, port, relayPort } = await this.#ask(session, { type: "open", ...path });
    return {
      port,
      relayPort,
      close: () => session.postMessage({ type: "close", number } satisfies ToMediaPort),
    };
  }

  /** Closes all paths. */
  close(): void {
    void this.#connecting?.then(
      (port) => port.close(),
      () => undefined,
    );
    this.#connecting = null;
  }

  async #ask(session: MessagePort, request: Request): Promise<Opened> {
    this.#count += 1;
    const number = this.#count;
    const asked = Promise.withResolvers<Opened>();
    this.#asked.set(number, asked);
    session.postMessage({ ...request, number } as ToMediaPort);
    try {
      return await within(asked.promise, answerMs, "The answer of the media port");
    } finally {
      this.#asked.delete(number);
    }
  }

  #port(): Promise<MessagePort> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<MessagePort> {
    try {
      const port = await this.#access.connect();
      port.on("message", (message: FromMediaPort) => this.#answered(message));
      port.once("close", () => this.#lost(port));
      port.unref();
      return port;
    } catch (error) {
      this.#connecting = null;
      throw new MediaPortError(`There is no media port: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }

  #answered(message: FromMediaPort): void {
    const asked = this.#asked.get(message.number);
    if (message.type === "opened") asked?.resolve(message);
    else asked?.reject(new MediaPortError(`The media port cannot be used: ${message.reason}`));
  }

  async #lost(port: MessagePort): Promise<void> {
    const isPresent = (await this.#connecting?.catch(() => null)) === port;
    if (isPresent) this.#connecting = null;
    for (const { reject } of this.#asked.values()) reject(new MediaPortError("The media port was lost"));
  }
}
