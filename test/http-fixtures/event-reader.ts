import type { ExecutionContext } from "ava";
import { documentedEvent } from "./documented-answer.ts";

export interface SentEvent {
  readonly id: number | null;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: events have many shapes
  readonly data: any;
}

/** A reader of server-sent events that shows everything that came, comments too. Each must be as documented. */
export class EventReader {
  readonly response: Response;
  readonly comments: string[] = [];
  readonly fields: string[] = [];
  readonly #blocks: AsyncGenerator<string>;

  constructor(response: Response) {
    this.response = response;
    this.#blocks = blocksOf(response);
  }

  static async open(
    t: ExecutionContext,
    url: string,
    headers: Record<string, string> = {},
  ): Promise<EventReader> {
    const controller = new AbortController();
    t.teardown(() => controller.abort());
    const response = await fetch(url, { headers, signal: controller.signal });
    return new EventReader(response);
  }

  /** The next event; null when the stream is over. */
  async next(): Promise<SentEvent | null> {
    for (;;) {
      const { done, value: block } = await this.#blocks.next();
      if (done) return null;
      const event = this.#parse(block);
      if (event) return event;
    }
  }

  async until(matches: (event: SentEvent) => boolean): Promise<SentEvent[]> {
    const events: SentEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) {
      events.push(event);
      if (matches(event)) return events;
    }
    throw new Error(`The stream ended before: ${JSON.stringify(events)}`);
  }

  async rest(): Promise<SentEvent[]> {
    const events: SentEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  /** Resolves when a comment has come. */
  async comment(): Promise<void> {
    while (this.comments.length === 0) {
      const { done, value } = await this.#blocks.next();
      if (done) throw new Error("The stream ended before a comment");
      this.#parse(value);
    }
  }

  #parse(block: string): SentEvent | null {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) this.comments.push(line);
      else {
        const [, name = "", value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        fields.set(name, value);
        this.fields.push(line);
      }
    }
    const data = fields.get("data");
    if (data === undefined) return null;
    const id = fields.get("id");
    const parsed = JSON.parse(data);
    documentedEvent(parsed);
    return {
      id: id === undefined ? null : Number(id),
      event: fields.get("event") ?? "message",
      data: parsed,
    };
  }
}

async function* blocksOf(response: Response): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}
