import { setTimeout as sleep } from "node:timers/promises";
import { Link, type LinkOptions, type Message } from "./link.ts";

export interface LineOptions extends Pick<LinkOptions, "url" | "sessionId" | "token" | "onSound"> {
  readonly onMessage: (message: Message) => void;
  /** Resolves with whether the call may go on, after a connection broke or was refused. */
  readonly goesOn: () => Promise<boolean>;
}

const againMs = 300;

/** A caller's way into the call, over one connection after another, as the module for pages does it. */
export class Line {
  readonly #options: LineOptions;
  #current: Link | null = null;
  /** The connection to the agent that is about to take up the call. */
  #next: { readonly link: Link; joined: boolean } | null = null;
  #joined = false;
  #resume: string | null = null;
  #over = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#connect();
  }

  get over(): boolean {
    return this.#over;
  }

  /** Returns whether the caller is in the call at the moment. */
  get joined(): boolean {
    return this.#joined && this.#current !== null;
  }

  say(sound: Int16Array): void {
    this.#current?.say(sound);
  }

  close(): void {
    this.#over = true;
    this.#current?.close();
    this.#next?.link.close();
  }

  #open(successor: string | null, onMessage: LinkOptions["onMessage"], onDown: LinkOptions["onDown"]): Link {
    const { url, sessionId, token, onSound } = this.#options;
    const resume = this.#resume;
    return new Link({ url, sessionId, token, resume, successor, onSound, onMessage, onDown });
  }

  #connect(): void {
    if (this.#over) return;
    this.#joined = false;
    const take = (message: Message, link: Link) => this.#take(message, link);
    this.#current = this.#open(null, take, (link) => this.#down(link));
  }

  #down(link: Link): void {
    if (link !== this.#current) return;
    this.#current = null;
    void this.#again();
  }

  async #again(): Promise<void> {
    await sleep(againMs);
    if (this.#over || this.#current !== null) return;
    if (await this.#options.goesOn()) {
      if (this.#current === null) this.#connect();
    } else this.close();
  }

  #take(message: Message, link: Link): void {
    if (link !== this.#current) return;
    switch (message.type) {
      case "joined":
        this.#joined = true;
        this.#resume = String(message.resume);
        break;
      case "moving":
        this.#prepare(String(message.to), link);
        break;
      case "moved":
        this.#move(link);
        break;
      case "ended":
        if (message.end === "call_ended") this.close();
        break;
    }
    this.#options.onMessage(message);
  }

  /** Connects to the agent that is about to take up the call, and says so. */
  #prepare(successor: string, before: Link): void {
    this.#next?.link.close();
    const take = (message: Message, link: Link) => {
      if (link === this.#current) this.#take(message, link);
      else if (message.type === "joined" && this.#next?.link === link) {
        this.#next.joined = true;
        this.#resume = String(message.resume);
        before.send({ type: "ready" });
      } else this.#options.onMessage(message);
    };
    const link = this.#open(successor, take, (gone) => {
      if (this.#next?.link === gone) this.#next = null;
      this.#down(gone);
    });
    this.#next = { link, joined: false };
  }

  #move(before: Link): void {
    const next = this.#next;
    this.#next = null;
    before.close();
    if (next?.joined) {
      this.#current = next.link;
      return;
    }
    next?.link.close();
    this.#connect();
  }
}
