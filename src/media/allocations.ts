import type { Message } from "werift";

type Werift = typeof import("werift");

/** The part of werift's side of an allocation that is of interest; its types hide some of it. */
interface Allocation {
  readonly server: readonly [string, number];
  readonly transport: { readonly type: string };
  readonly relayedAddress?: unknown;
  requestWithRetry(request: Message, server: Allocation["server"], signal: AbortSignal): Promise<unknown>;
}

/** The longest wait for the relay's answer, in milliseconds. */
const answerMs = 200;
let released = false;

/**
 * Makes werift give relayed addresses back as it closes: by itself it leaves them to the relay, which keeps one that was
 * asked for over UDP for 10 minutes, and gives each user so many. Does so once a thread.
 */
export function releaseAllocations({ TurnProtocol, Message, methods, classes }: Werift): void {
  if (released) return;
  released = true;
  const { prototype } = TurnProtocol;
  const close = prototype.close;
  prototype.close = async function (): Promise<void> {
    const allocation = this as unknown as Allocation;
    // One over TCP ends with its connection.
    if (allocation.transport.type === "udp" && allocation.relayedAddress !== undefined) {
      const request = new Message(methods.REFRESH, classes.REQUEST).setAttribute("LIFETIME", 0);
      const { server } = allocation;
      await allocation.requestWithRetry(request, server, AbortSignal.timeout(answerMs)).catch(() => {});
    }
    await close.call(this);
  };
}
