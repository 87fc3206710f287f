import { permissions } from "../../src/options/permissions.ts";
import { endReasons } from "../../src/shared/end-reasons.ts";
import {
  type CompatibleService,
  compatibleServices,
} from "../../src/shared/providers/compatible-services.ts";
import {
  keysOf,
  type ProviderPart,
  type ProviderRow,
  providers,
} from "../../src/shared/providers/provider-table.ts";

/** The tables within pages that are made of tables of the code: one stands below each comment `<!-- table NAME -->`. */
export const pageTables: Readonly<Record<string, () => string>> = {
  "end-reasons": () =>
    tableOf(
      ["`end_reason`", "Meaning", "Limit", "Alert"],
      Object.entries(endReasons).map(([reason, { text, limit, alert }]) => [
        code(reason),
        text,
        limit && code(limit),
        alert && alertLink(alert),
      ]),
    ),
  permissions: () =>
    tableOf(
      ["Function", "Decides", "Where it is missing", "A session token gives it"],
      Object.entries(permissions).map(([name, { doc, otherwise, byToken }]) => [
        code(name),
        doc.replace("Decides ", ""),
        otherwise === null ? "everybody may" : `as ${code(otherwise)}`,
        byToken ? "yes" : "no",
      ]),
    ),
  "compatible-services": () =>
    tableOf(
      ["Service", "Address", "Key", "Parts", "What to know"],
      Object.entries<CompatibleService>(compatibleServices).map(([name, service]) => [
        `${service.title}, ${code(name)}`,
        service.baseUrl === null ? "yours" : code(service.baseUrl),
        `${code(service.apiKey.name)}${service.needsKey ? "" : ", or none"}`,
        service.parts.map((part) => code(className[part])).join(", "),
        service.note,
      ]),
    ),
  providers: () =>
    tableOf(
      ["Import", "Has", "Needs"],
      Object.entries<ProviderRow>(providers).map(([name, provider]) => [
        code(`greenroom/${name}`),
        provider.parts.map((part) => code(className[part])).join(", "),
        provider.needs ?? (keysOf(provider).map(code).join(", ") || "no key"),
      ]),
    ),
};

/** The names of the classes by which providers offer their parts. */
export const className = {
  llm: "LLM",
  stt: "STT",
  tts: "TTS",
  tools: "Server",
  edge: "Edge",
} as const satisfies Record<ProviderPart, string>;

function tableOf(head: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const line = (cells: readonly (string | null)[]) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

const code = (text: string): string => `\`${text}\``;

const alertLink = (name: string): string => `[${name}](operations.md#${name.toLowerCase()})`;
