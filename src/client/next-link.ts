import type { Message, Transport } from "./transport.ts";

/**
 * The connection to the agent that is about to take up the call, beside the one to the agent that has it. Its messages wait until
 * the call has moved.
 */
export class NextLink {
  /** Tells this connection from the others. */
  readonly link = {};
  #transport: Transport | null = null;
  readonly #messages: Message[] = [];
  #over = false;

  /** Keeps a message until the call has moved. */
  onMessage(message: Message): void {
    this.#messages.push(message);
  }

  /** Takes the connection once it is there. Returns false where it is not wanted any more. */
  connected(transport: Transport): boolean {
    if (this.#over) transport.close();
    else this.#transport = transport;
    return !this.#over;
  }

  /** Returns the connection, and the messages that have come over it; null where it has not come about. */
  take(): { readonly transport: Transport; readonly messages: readonly Message[] } | null {
    this.#over = true;
    const transport = this.#transport;
    this.#transport = null;
    return transport && { transport, messages: this.#messages };
  }

  /** Ends it: the call does not move, or not there. */
  close(): void {
    this.take()?.transport.close();
  }
}
