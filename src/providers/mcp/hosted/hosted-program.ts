import type { MessagePort } from "node:worker_threads";
import {
  type FromMcpThread,
  isMcpMessage,
  type McpMessage,
  type McpProgram,
  type ToMcpThread,
} from "../../../shared/mcp-thread.ts";
import type { ProgramTransport } from "../transports.ts";

/** The least time between two notes of changed tools that are passed on, in milliseconds: a program may write them without end. */
const changesEveryMs = 1_000;
const changed = "notifications/tools/list_changed";

/**
 * The times for which a program may write nothing after a request was given up and it was asked whether it is there, in milliseconds: one
 * that hangs would fail the calls of all sessions until the server is started anew. `startMs`: before its first message, since a program
 * may be fetched from somewhere first.
 */
const usualPatience = { startMs: 600_000, silentMs: 60_000 };

/** A request of a session that the program has not answered. */
interface OpenRequest {
  readonly user: MessagePort;
  /** The id that the session gave it. */
  readonly id: unknown;
  /** The token by which the session knows its progress. */
  readonly token: unknown;
}

/**
 * A program that one session uses, or several. To the program they are one client: their requests get ids of their own, answers and progress go
 * back to whom they belong, and the handshake is made once.
 */
export class HostedProgram {
  readonly #transport: ProgramTransport;
  readonly #users = new Set<MessagePort>();
  readonly #open = new Map<number, OpenRequest>();
  /** The answer to the handshake, once it is there. */
  #handshake: McpMessage | null = null;
  /** The sessions that wait for that answer, with the ids of their requests. */
  readonly #waiting: { readonly user: MessagePort; readonly id: unknown }[] = [];
  /** The handshake is sent, and was not refused. */
  #greeted = false;
  #initialized = false;
  #count = 0;
  #changeTimer: NodeJS.Timeout | undefined;
  /** Runs while it is not known whether the program hangs. */
  #doubt: NodeJS.Timeout | undefined;
  readonly #patience: typeof usualPatience;
  #ended = false;

  /** Called once, when the program has ended. */
  onEnd: () => void = () => {};
  /** Called when the last session has left. */
  onUnused: () => void = () => {};

  constructor(transport: ProgramTransport, patience = usualPatience) {
    this.#transport = transport;
    this.#patience = patience;
    transport.onMessage = (message) => this.#fromProgram(message);
    transport.onEnd = (error) => this.#end(error);
  }

  /** Starts the program. Where it cannot be started its users are told so. */
  async start(): Promise<void> {
    try {
      await this.#transport.start();
      for (const user of this.#users) tell(user, { type: "opened" });
    } catch (error) {
      this.#end(error as Error);
    }
  }

  get unused(): boolean {
    return this.#users.size === 0;
  }

  /** Lets a session use the program, until its port closes. @param isRunning False where `start` will tell it. */
  add(user: MessagePort, isRunning: boolean): void {
    this.#users.add(user);
    user.on("message", (message: ToMcpThread | null) => {
      if (message?.type === "message" && isMcpMessage(message.message)) this.#fromUser(user, message.message);
      else user.close();
    });
    user.on("close", () => this.#left(user));
    if (isRunning) tell(user, { type: "opened" });
  }

  /** Ends the program. */
  async close(): Promise<void> {
    this.#end(new Error("The program is not used any more"));
    await this.#transport.close();
  }

  #fromUser(user: MessagePort, message: McpMessage): void {
    const { id, method } = message;
    switch (method) {
      case "initialize":
        this.#greet(user, message);
        break;
      case "notifications/initialized":
        if (!this.#initialized) this.#send(message);
        this.#initialized = true;
        break;
      case "notifications/cancelled":
        this.#cancel(user, (message.params as McpMessage | undefined)?.requestId);
        break;
      default:
        // Requests of the program are answered here, so that a session has nothing else to tell it.
        if (id !== undefined && method !== undefined) this.#ask(user, message);
    }
  }

  /** Makes the handshake for the first session, and repeats its answer to the others. */
  #greet(user: MessagePort, message: McpMessage): void {
    if (this.#handshake !== null) {
      tell(user, { type: "message", message: { ...this.#handshake, id: message.id } });
      return;
    }
    this.#waiting.push({ user, id: message.id });
    if (this.#greeted) return;
    this.#greeted = true;
    this.#send({ ...message, id: 0 });
  }

  #ask(user: MessagePort, message: McpMessage): void {
    this.#count += 1;
    const id = this.#count;
    const params = message.params as { readonly _meta?: McpMessage } | undefined;
    const token = params?._meta?.progressToken;
    this.#open.set(id, { user, id: message.id, token });
    const own = token === undefined ? params : { ...params, _meta: { ...params?._meta, progressToken: id } };
    this.#send({ ...message, id, ...(own === undefined ? {} : { params: own }) });
  }

  #cancel(user: MessagePort, requestId: unknown): void {
    for (const [id, open] of this.#open) {
      if (open.user !== user || open.id !== requestId) continue;
      this.#open.delete(id);
      this.#send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
      this.#askWhetherThere();
    }
  }

  /** Asks the program whether it is there, and ends one that writes nothing. */
  #askWhetherThere(): void {
    if (this.#doubt !== undefined || this.#ended) return;
    this.#count += 1;
    this.#send({ jsonrpc: "2.0", id: this.#count, method: "ping" });
    const { startMs, silentMs } = this.#patience;
    this.#doubt = setTimeout(
      () => {
        this.#end(new Error("The program does not answer"));
        void this.#transport.close();
      },
      this.#handshake === null ? startMs : silentMs,
    );
  }

  #left(user: MessagePort): void {
    if (!this.#users.delete(user)) return;
    for (const { user: of, id } of this.#open.values()) if (of === user) this.#cancel(user, id);
    const waited = this.#waiting.findIndex(({ user: of }) => of === user);
    if (waited >= 0) {
      // The handshake goes on for those who still wait, and for those to come.
      this.#waiting.splice(waited, 1);
      this.#askWhetherThere();
    }
    if (this.unused && !this.#ended) this.onUnused();
  }

  #fromProgram(message: McpMessage): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    const { id, method } = message;
    if (method === undefined) this.#answered(message);
    else if (id !== undefined) {
      const refusal = { error: { code: -32_601, message: "Method not found" } };
      this.#send({ jsonrpc: "2.0", id, ...(method === "ping" ? { result: {} } : refusal) });
    } else if (method === "notifications/progress") this.#progressed(message);
    else if (method === changed) this.#passOnChange();
  }

  #passOnChange(): void {
    this.#changeTimer ??= setTimeout(() => {
      this.#changeTimer = undefined;
      const message = { jsonrpc: "2.0", method: changed };
      for (const user of this.#users) tell(user, { type: "message", message });
    }, changesEveryMs);
  }

  #answered(message: McpMessage): void {
    if (message.id === 0) {
      // A refusal is for those who wait: the next one tries again.
      if (message.error === undefined) this.#handshake = message;
      else this.#greeted = false;
      for (const { user, id } of this.#waiting.splice(0))
        tell(user, { type: "message", message: { ...message, id } });
      return;
    }
    const open = this.#open.get(Number(message.id));
    if (open === undefined) return;
    this.#open.delete(Number(message.id));
    tell(open.user, { type: "message", message: { ...message, id: open.id } });
  }

  #progressed(message: McpMessage): void {
    const params = message.params as McpMessage | undefined;
    const open = this.#open.get(Number(params?.progressToken));
    if (open?.token === undefined) return;
    tell(open.user, {
      type: "message",
      message: { ...message, params: { ...params, progressToken: open.token } },
    });
  }

  #send(message: McpMessage): void {
    void this.#transport.send(message).catch((error: Error) => this.#end(error));
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#changeTimer);
    clearTimeout(this.#doubt);
    const { code } = error as { readonly code?: unknown };
    const lost: FromMcpThread = {
      type: "lost",
      reason: error.message,
      code: typeof code === "string" ? code : null,
      lastWords: this.#transport.lastWords(),
    };
    for (const user of this.#users) {
      tell(user, lost);
      user.close();
    }
    this.onEnd();
  }
}

/** Returns the name under which a program is shared: who asks for another one, or with other variables, gets another one. */
export const keyOf = ({ command, args, env, cwd }: McpProgram): string =>
  JSON.stringify([command, args, Object.entries(env).toSorted(), cwd]);

function tell(user: MessagePort, message: FromMcpThread): void {
  user.postMessage(message);
}
