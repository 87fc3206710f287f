import { createHmac } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";

const prefix = "whsec_";
/** The length that Standard Webhooks asks of a secret, in bytes. */
const shortestSecret = 24;
const longestSecret = 64;

/**
 * Reads secrets in the form of Standard Webhooks, `whsec_<base64 of 24 to 64 bytes>`. Several, separated by spaces, are
 * all used to sign, so that a receiver can change from one to the next without missing a message.
 */
export function parseWebhookSecrets(text: string): readonly Buffer[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw new GreenroomError("INVALID_OPTIONS", "The webhook secret is empty");
  return words.map((word) => {
    const encoded = word.startsWith(prefix) ? word.slice(prefix.length) : "";
    const secret = Buffer.from(encoded, "base64");
    const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
    if (!isBase64 || secret.length < shortestSecret || secret.length > longestSecret) {
      throw new GreenroomError(
        "INVALID_OPTIONS",
        `A webhook secret must be ${prefix} and base64 of ${shortestSecret} to ${longestSecret} bytes`,
      );
    }
    return secret;
  });
}

/** Returns the value of `webhook-signature`: one `v1,…` for each secret. */
export function signWebhook(
  secrets: readonly Buffer[],
  { id, timestampSeconds, body }: { id: string; timestampSeconds: number; body: string },
): string {
  const content = `${id}.${timestampSeconds}.${body}`;
  return secrets
    .map((secret) => `v1,${createHmac("sha256", secret).update(content).digest("base64")}`)
    .join(" ");
}
