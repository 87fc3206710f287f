import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerSession } from "../ledger/ledger.ts";
import type { Client } from "./client.ts";

const pauseMs = 500;

/** Follows the events of a session until its end, and comes back as a browser does. */
export async function follow(client: Client, session: LedgerSession, signal: AbortSignal): Promise<void> {
  let lastId = "";
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = lastId === "" ? {} : { "last-event-id": lastId };
      const response = await fetch(`${client.url}/sessions/${session.id}/events`, { headers, signal });
      if (response.status === 204 || response.status === 404) return;
      let block = "";
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        block += chunk;
        for (let end = block.indexOf("\n\n"); end !== -1; end = block.indexOf("\n\n")) {
          const text = block.slice(0, end);
          block = block.slice(end + 2);
          lastId = /^id: ?(.*)$/m.exec(text)?.[1] ?? lastId;
          const data = /^data: ?(.*)$/m.exec(text)?.[1];
          if (data === undefined || !/^event: ?end$/m.test(text)) continue;
          session.streamed.add(String((JSON.parse(data) as { reason: string }).reason));
          return;
        }
      }
    } catch {
      // The connection broke; or there is nobody to follow any more.
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
