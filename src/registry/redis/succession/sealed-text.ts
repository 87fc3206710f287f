import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

const algorithm = "aes-256-gcm";
const [ivBytes, tagBytes] = [12, 16];
/** The most bytes that a text may have once it is read again: more than any that is written. */
const mostBytes = 2 ** 24;

/** Compresses texts, and encrypts them where there is a key, so that they can be kept outside of this process. */
export class SealedTexts {
  readonly #keys: readonly Buffer[];

  /** @param secrets The secrets that keys are made of: the first encrypts, all decrypt. Without any, nothing is encrypted. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) =>
      Buffer.from(hkdfSync("sha256", secret, "", "greenroom call state", 32)),
    );
  }

  /** Returns a text as it is kept. `name`: what it belongs to; it can be opened under that name alone. */
  seal(name: string, text: string): string {
    const packed = zstdCompressSync(Buffer.from(text));
    const [key] = this.#keys;
    if (key === undefined) return `plain ${packed.toString("base64")}`;
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(name));
    const parts = [iv, cipher.update(packed), cipher.final()];
    return `sealed ${Buffer.concat([...parts, cipher.getAuthTag()]).toString("base64")}`;
  }

  /** Returns the text that was sealed under this name. Throws where it is damaged, or no key opens it. */
  open(name: string, sealed: string): string {
    const [form = "", body = ""] = sealed.split(" ");
    const bytes = Buffer.from(body, "base64");
    const packed = form === "plain" ? bytes : form === "sealed" ? this.#decrypt(name, bytes) : null;
    if (packed === null) throw new Error("It is encrypted with a key that this process does not have");
    return zstdDecompressSync(packed, { maxOutputLength: mostBytes }).toString();
  }

  #decrypt(name: string, bytes: Buffer): Buffer | null {
    const iv = bytes.subarray(0, ivBytes);
    const tag = bytes.subarray(-tagBytes);
    for (const key of this.#keys) {
      try {
        const decipher = createDecipheriv(algorithm, key, iv).setAAD(Buffer.from(name)).setAuthTag(tag);
        return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]);
      } catch {
        // Another key may have encrypted it.
      }
    }
    return null;
  }
}
