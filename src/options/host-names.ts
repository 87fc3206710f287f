import { isIP } from "node:net";
import { z } from "zod";

/**
 * Returns the host name of a text, also of what people copy: `https://agents.example:8443/`, `agents:8000` and `::1`
 * are names too.
 */
export function allowedHost(text: string, context: z.core.$RefinementCtx): string {
  const trimmed = text.trim();
  const url = /^https?:\/\//i.test(trimmed) && URL.canParse(trimmed) ? new URL(trimmed) : null;
  const name = url ? url.hostname : hostName(isIP(trimmed) === 6 ? `[${trimmed}]` : trimmed);
  if (name !== null && !name.includes("*")) return name;
  context.addIssue(`${JSON.stringify(text)} is not the name of a host, such as "agents.example.com"`);
  return z.NEVER;
}

export function isOrigin(text: string): boolean {
  return text === "*" || text === "null" || (URL.canParse(text) && new URL(text).origin === text);
}

export function originHint(issue: { readonly input?: unknown }): string {
  const { input } = issue;
  const origin = typeof input === "string" && URL.canParse(input) ? new URL(input).origin : "null";
  if (origin !== "null") return `${JSON.stringify(input)} is not an origin: write ${JSON.stringify(origin)}`;
  return `${JSON.stringify(input)} is not an origin, such as "https://app.example.com", nor "*"`;
}

/** Returns the name in a Host: without port, in lower case, IPv6 in brackets; null where there is none. */
export function hostName(host: string | undefined): string | null {
  if (!host || /[/?#@\s]/.test(host) || !URL.canParse(`http://${host}`)) return null;
  return new URL(`http://${host}`).hostname;
}
