import { cutText } from "../../shared/text.ts";

/** The longest text of a service that becomes part of an error's message unless said otherwise, in characters. */
const longestText = 300;

/** The shortest text that is taken for a key, in characters: a shorter one may be part of any word. */
const shortestSecret = 6;

/**
 * The text of a service as one short line for an error's message. The markup of a gateway's HTML page is taken out, and the
 * secrets are replaced, should the service ever repeat them.
 */
export function errorText(
  said: string,
  {
    secrets = [],
    longest = longestText,
  }: { readonly secrets?: readonly string[]; readonly longest?: number } = {},
): string {
  let line = isHtml(said) ? withoutMarkup(said) : said;
  for (const secret of secrets) if (secret.length >= shortestSecret) line = line.replaceAll(secret, "[key]");
  line = line.replaceAll(/\s+/g, " ").trim().toWellFormed();
  return cutText(line, longest, "…");
}

/** The JSON object in a body, or the first one of a list. Empty where there is none. */
export function jsonObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = [JSON.parse(body.replace(/^\ufeff/, ""))].flat()[0];
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A text that is not empty. */
export function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/**
 * The reason in a body that is not of the service's own shape: gateways write `message`, `error`, `detail` or
 * `{"error": {"message": …}}`, a page of HTML, or plain text. Empty where there is none.
 */
export function reasonIn(body: string): string {
  const { message, error, detail, title } = jsonObject(body);
  const inner =
    typeof error === "object" && error !== null ? (error as { message?: unknown }).message : error;
  const told = [message, inner, detail, title].map(textOrNone).find((one) => one !== undefined);
  return told ?? (/^\s*[[{]/.test(body) ? "" : body);
}

/** Returns whether a status passes: the server was too slow, had too many requests, or failed itself. */
export const isPassingStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const isHtml = (text: string): boolean => /^\s*(<!--|<!doctype|<html|<head|<body|<\?xml)/i.test(text);

function withoutMarkup(page: string): string {
  return page
    .replaceAll(/<(script|style)\b[\s\S]*?(<\/\1\s*>|$)/gi, " ")
    .replaceAll(/<!--[\s\S]*?-->/g, " ")
    .replaceAll(/<[^>]*>?/g, " ")
    .replaceAll("&nbsp;", " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
