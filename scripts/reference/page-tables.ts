import { endReasons } from "../../src/shared/end-reasons.ts";

/** The tables within pages that are made of tables of the code: one stands below each comment `<!-- table NAME -->`. */
export const pageTables: Readonly<Record<string, () => string>> = { "end-reasons": endReasonTable };

function endReasonTable(): string {
  const rows = Object.entries(endReasons).map(([reason, { text, limit, alert }]) => {
    const cells = [`\`${reason}\``, text, limit && `\`${limit}\``, alert && alertLink(alert)];
    return `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  });
  return ["| `end_reason` | Meaning | Limit | Alert |", "|---|---|---|---|", ...rows].join("\n");
}

const alertLink = (name: string): string => `[${name}](operations.md#${name.toLowerCase()})`;
