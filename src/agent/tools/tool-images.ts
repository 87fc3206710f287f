import type { ImagePart, Message, ToolCall } from "../model/message.ts";

const marker = Symbol.for("greenroom.tool_images");

/**
 * A result of a function with images, which the model is shown where it takes images: `return new ToolImages([{ type: "image", data,
 * mimeType: "image/png" }], "The chart of this week")`. A model that takes none is told how many there were.
 */
export class ToolImages {
  readonly images: readonly ImagePart[];
  /** The rest of the result: a text, or anything that JSON can hold. */
  readonly output: unknown;
  static {
    Object.defineProperty(ToolImages.prototype, marker, { value: true });
  }

  constructor(images: readonly ImagePart[], output: unknown) {
    this.images = images;
    this.output = output;
  }

  /** Returns whether a value is one. It is known by a marker, not by `instanceof`: it holds across copies of the package. */
  static is(value: unknown): value is ToolImages {
    return typeof value === "object" && value !== null && marker in value;
  }
}

/** Returns the message that shows images of a result. Its text is what a model is told that takes no images. */
export function imagesOf({ name }: ToolCall, images: readonly ImagePart[]): Message {
  const count = images.length === 1 ? "an image" : `${images.length} images`;
  const text = `(${name} returned ${count}.)`;
  return { role: "instruction", text, parts: [{ type: "text", text }, ...images] };
}

/**
 * Returns the images of a result with the types that they are of, whatever they are called: a model refuses a request with a wrong one, and
 * each further one, since the image stays in the conversation. Throws a `TypeError` for one without bytes.
 */
export function checkedImages(images: readonly ImagePart[]): readonly ImagePart[] {
  return images.map((image): ImagePart => {
    const { data, mimeType } = (image ?? {}) as Partial<ImagePart>;
    if (!(data instanceof Uint8Array) || data.length === 0 || typeof mimeType !== "string")
      throw new TypeError("ToolImages: an image must have data, as bytes, and a mimeType such as image/png");
    return { type: "image", data, mimeType: imageTypeOf(data) ?? mimeType };
  });
}

/** Returns the type of an image by its first bytes; null for one that is none of those which models take in common. */
export function imageTypeOf(bytes: Uint8Array): string | null {
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString("latin1");
  if (begin.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (begin.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (/^GIF8[79]a/.test(begin)) return "image/gif";
  return /^RIFF.{4}WEBP/s.test(begin) ? "image/webp" : null;
}
