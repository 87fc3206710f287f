import { cutText } from "../../shared/text/text.ts";

/** The longest text of a service in an error's message, in characters, where no other length is given. */
const longestText = 300;

/** The shortest text that is taken for a key, in characters, since a shorter one may be part of any word. */
const shortestSecret = 6;

/**
 * Returns the text of a service as one short line for an error's message. The markup of a gateway's HTML page
 * is removed, and secrets are replaced, in case the service repeats them.
 */
export function errorText(
  text: string,
  {
    secrets = [],
    longest = longestText,
  }: { readonly secrets?: readonly string[]; readonly longest?: number } = {},
): string {
  let line = isHtml(text) ? withoutMarkup(text) : text;
  for (const secret of secrets) if (secret.length >= shortestSecret) line = line.replaceAll(secret, "[key]");
  line = line.replaceAll(/\s+/g, " ").trim().toWellFormed();
  return cutText(line, longest, "…");
}

/** Returns the JSON object in a body, or the first one of a list; an empty object where there is none. */
export function jsonObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = [JSON.parse(body.replace(/^\ufeff/, ""))].flat()[0];
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Returns a text without surrounding white space; undefined where it is empty or not a text. */
export function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/**
 * Returns the reason in a body that is not in the service's own format; empty where there is none. Gateways
 * write `message`, `error`, `detail` or `{"error": {"message": …}}`, a page of HTML, or plain text.
 */
export function reasonIn(body: string): string {
  const { message, error, detail, title } = jsonObject(body);
  const inner =
    typeof error === "object" && error !== null ? (error as { message?: unknown }).message : error;
  const found = [message, inner, detail, title].map(textOrNone).find((one) => one !== undefined);
  return found ?? (/^\s*[[{]/.test(body) ? "" : body);
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
