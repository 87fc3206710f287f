import { hkdfSync } from "node:crypto";

/** `GREENROOM_PEER_SECRET` as it is given: the secrets in it. */
export function peerSecrets(text: string | undefined): readonly string[] {
  return text?.split(/\s+/).filter((secret) => secret !== "") ?? [];
}

/** Another secret that is made of this one, for another purpose. */
export function derivedSecret(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `greenroom ${purpose}`, 32));
}
