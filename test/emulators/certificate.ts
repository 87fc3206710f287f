import { generateKeyPairSync, sign } from "node:crypto";

export interface Certificate {
  /** The key and the certificate, both in PEM. */
  readonly key: string;
  readonly cert: string;
}

/**
 * Returns a self-signed certificate for 127.0.0.1 and localhost, valid for a day. It is encoded here, since
 * Node cannot make one.
 */
export function selfSigned(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(identifier("2a8648ce3d040302")); // ecdsa-with-SHA256
  const name = sequence(value(0x31, sequence(identifier("550403"), value(0x0c, Buffer.from("localhost")))));
  const dayMs = 86_400_000;
  const toBeSigned = sequence(
    value(0xa0, value(0x02, Buffer.of(2))), // version 3
    value(0x02, Buffer.of(1)),
    algorithm,
    name,
    sequence(time(Date.now() - dayMs), time(Date.now() + dayMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    value(
      0xa3,
      sequence(
        // basicConstraints: an authority, so that it can be trusted as one.
        sequence(identifier("551d13"), value(0x04, sequence(value(0x01, Buffer.of(0xff))))),
        // subjectAltName
        sequence(
          identifier("551d11"),
          value(0x04, sequence(value(0x87, Buffer.of(127, 0, 0, 1)), value(0x82, Buffer.from("localhost")))),
        ),
      ),
    ),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const der = sequence(toBeSigned, algorithm, value(0x03, Buffer.concat([Buffer.of(0), signature])));
  const base64 = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value in DER: its tag, its length, its content. */
function value(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => value(0x30, Buffer.concat(parts));

/** An object identifier, given in its encoded form. */
const identifier = (hex: string): Buffer => value(0x06, Buffer.from(hex, "hex"));

const time = (ms: number): Buffer =>
  value(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-T:]/g, "")}Z`));
