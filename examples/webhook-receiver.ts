// A receiver of the webhook, on port 8090: GREENROOM_WEBHOOK_SECRET=whsec_… node examples/webhook-receiver.ts
import { createServer, type IncomingMessage } from "node:http";
import { Webhook } from "standardwebhooks";

interface Message {
  readonly type: "session.events" | "session.ended";
  readonly data: {
    readonly session_id: string;
    readonly events?: readonly { readonly id?: number; readonly type: string }[];
  };
}

/** Reads a message. Throws where its signature is wrong, or older than 5 minutes. */
export async function readMessage(request: IncomingMessage, secret: string): Promise<Message> {
  // The bytes as they came are signed: JSON that was read and written again would not match.
  const body = Buffer.concat(await request.toArray());
  return new Webhook(secret).verify(body, request.headers as Record<string, string>) as Message;
}

if (import.meta.main) {
  const secret = process.env.GREENROOM_WEBHOOK_SECRET ?? "";
  const server = createServer(async (request, response) => {
    try {
      const { type, data } = await readMessage(request, secret);
      console.log(type, data.session_id, data.events?.map((event) => event.type) ?? "");
      response.writeHead(204).end(); // at once: long work comes after the answer
    } catch {
      response.writeHead(401).end();
    }
  });
  server.listen(8090, "127.0.0.1");
}
