import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { machineNow } from "../clock.ts";
import type { Heartbeat } from "./heartbeat.ts";

/** The times at which an agent was heard in its call, by one process. */
export interface Heard {
  readonly session: string;
  readonly call: string;
  readonly key: string;
  readonly pid: number;
  /** The times by the clock of the machine, in milliseconds, the oldest first. */
  readonly times: number[];
}

/** Hears all agents that are in calls, from outside the servers. */
export class HeartbeatCollector implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #heard = new Map<string, Heard>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (text) => this.#hear(JSON.parse(text.toString()) as Heartbeat));
  }

  static async open(): Promise<HeartbeatCollector> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 2 ** 20 });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new HeartbeatCollector(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** One for each session and process. */
  get all(): readonly Heard[] {
    return [...this.#heard.values()];
  }

  /** Returns those that were heard within so many milliseconds. */
  recent(withinMs: number): readonly Heard[] {
    const since = machineNow() - withinMs;
    return this.all.filter(({ times }) => times.at(-1)! >= since);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  #hear({ session, call, key, pid, at }: Heartbeat): void {
    const name = `${session} ${pid}`;
    const heard = this.#heard.get(name) ?? { session, call, key, pid, times: [] };
    this.#heard.set(name, heard);
    heard.times.push(at);
  }
}
