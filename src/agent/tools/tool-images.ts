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
