// The webhook of a telephone carrier that signs its requests: CARRIER_SECRET=… GREENROOM_API_KEYS=… node examples/carrier.ts serve
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  AgentLauncher,
  apiKey,
  HttpError,
  type ProviderRequest,
  type ProviderRoute,
  Runner,
  type ServeOptions,
} from "greenroom";

/** The address by which the carrier calls the server: what is signed must not depend on headers that anybody can send. */
const publicUrl = "https://agents.example.com";

function check({ target, body, headers }: ProviderRequest): void {
  const { CARRIER_SECRET: secret = "" } = process.env;
  const right = createHmac("sha256", secret)
    .update(publicUrl + target)
    .update(body)
    .digest();
  const given = Buffer.from(headers.get("x-carrier-signature") ?? "", "hex");
  if (secret === "" || given.length !== right.length || !timingSafeEqual(given, right))
    throw new HttpError(403, "The signature is not right");
}

const providerRoutes: readonly ProviderRoute[] = [
  {
    method: "post",
    path: "/phone/carrier/voice",
    async handle(request, calls) {
      check(request);
      const call = new URLSearchParams(request.body.toString());
      const { sessionId } = await calls.start({
        callId: call.get("CallId") ?? "",
        // A webhook that is sent twice is one call.
        onceKey: call.get("CallId") ?? "",
        config: { from: call.get("From") },
      });
      const stream = `${publicUrl.replace("https:", "wss:")}/phone/carrier/media/${sessionId}`;
      return {
        contentType: "text/xml",
        body: `<Response><Connect><Stream url="${stream}"/></Connect></Response>`,
      };
    },
  },
  {
    method: "websocket",
    path: "/phone/carrier/media/{session_id}",
    admit(request) {
      check(request);
      return { participant: { id: "caller", name: "Caller" } };
    },
  },
];

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const options: ServeOptions = {
  providerRoutes,
  // The routes check the carrier; everybody else needs a key.
  getCurrentUser: apiKey(),
};

if (import.meta.main) await new Runner(launcher, options).cli();
