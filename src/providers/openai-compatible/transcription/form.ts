import { randomUUID } from "node:crypto";

/** A form as it is sent, with a file in it. */
export interface Form {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Returns a form (`multipart/form-data`) of texts and a WAV file. Lists become a field for each item. */
export function formOf(fields: Readonly<Record<string, unknown>>, wav: Uint8Array): Form {
  const boundary = `greenroom-${randomUUID()}`;
  const head = (name: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name.replaceAll(/["\r\n]/g, "_")}"`;
  const texts = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one) => `${head(name)}\r\n\r\n${textOf(one)}\r\n`),
  );
  const file = `${head("file")}; filename="turn.wav"\r\ncontent-type: audio/wav\r\n\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(texts.join("") + file), wav, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

const textOf = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed();
