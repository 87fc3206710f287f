import { isDeepStrictEqual } from "node:util";
import type { ImagePart } from "../../agent/model/message.ts";
import { ToolError } from "../../agent/tools/tool-error.ts";
import { imageTypeOf, ToolImages } from "../../agent/tools/tool-images.ts";
import { cutText } from "../../shared/text/text.ts";

/** The most images of a result that the model is shown, and the most bytes of all of them. */
const mostImages = 4;
const mostImageBytes = 4 * 2 ** 20;
/** The longest words of a server about an error, in characters. */
const longestError = 500;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the result of a tool as the model is told it: text, structured content as JSON, images beside it, and a note for what no model
 * reads. Throws a `ToolError` where the server says that the tool failed.
 */
export function resultOf(result: unknown): unknown {
  const { content, structuredContent, isError, toolResult } = (result ?? {}) as Fields;
  const reader = new ContentReader();
  for (const part of Array.isArray(content) ? content : []) reader.read((part ?? {}) as Fields);
  const text = reader.lines.join("\n");
  if (isError === true) throw new ToolError(cutText(text, longestError, "…") || "The tool failed.");
  const output = outputOf(text, structuredContent ?? toolResult);
  return reader.images.length === 0 ? output : new ToolImages(reader.images, output);
}

/** Returns the text and the structured content. Servers say the same in both, for clients that read only one. */
function outputOf(text: string, structured: unknown): unknown {
  if (structured === undefined || structured === null) return text === "" ? undefined : text;
  if (text === "" || isDeepStrictEqual(parsed(text), structured)) return structured;
  return { text, structured };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

class ContentReader {
  readonly lines: string[] = [];
  readonly images: ImagePart[] = [];
  #bytes = 0;

  read({ type, text, data, mimeType, resource, name, uri, description }: Fields): void {
    switch (type) {
      case "text":
        if (typeof text === "string") this.lines.push(text);
        break;
      case "image":
        this.#image(data, mimeType);
        break;
      case "audio":
        this.lines.push(`(a recording, ${word(mimeType)}, which cannot be heard here)`);
        break;
      case "resource":
        this.#resource((resource ?? {}) as Fields);
        break;
      case "resource_link": {
        const said = [name, description].filter((part) => typeof part === "string" && part !== "").join(": ");
        this.lines.push(`(a file: ${said}, ${word(uri)})`);
        break;
      }
      default:
        this.lines.push(`(something of the kind ${word(type)})`);
    }
  }

  #resource({ uri, text, blob, mimeType }: Fields): void {
    if (typeof text === "string") this.lines.push(`(${word(uri)})\n${text}`);
    else if (typeof blob === "string" && /^image\//.test(String(mimeType))) this.#image(blob, mimeType);
    else this.lines.push(`(a file, ${word(mimeType)}, ${word(uri)})`);
  }

  #image(data: unknown, mimeType: unknown): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "base64") : Buffer.alloc(0);
    // A model refuses a request with an image that it does not take, and each further one, since it stays in the conversation.
    const found = imageTypeOf(bytes);
    if (found === null || this.images.length >= mostImages || this.#bytes + bytes.length > mostImageBytes) {
      this.lines.push(`(an image, ${word(mimeType)}, which is not shown)`);
      return;
    }
    this.#bytes += bytes.length;
    this.images.push({ type: "image", data: bytes, mimeType: found });
    this.lines.push("(an image)");
  }
}

/** Returns a server's word, on one line. */
function word(value: unknown): string {
  return typeof value === "string" && value !== ""
    ? cutText(value.replaceAll(/\s+/g, " "), 200, "…")
    : "unknown";
}
