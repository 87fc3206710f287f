import { hkdfSync } from "node:crypto";

/** Returns the secrets in `GREENROOM_PEER_SECRET`, which are separated by spaces or lines. */
export function peerSecrets(text: string | undefined): readonly string[] {
  return text?.split(/\s+/).filter((secret) => secret !== "") ?? [];
}

/** Returns a secret that is derived from this one, for another purpose. */
export function derivedSecret(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `greenroom ${purpose}`, 32));
}
