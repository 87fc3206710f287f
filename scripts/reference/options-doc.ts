import { defaultText, isOptional, type OptionRow, unitOf } from "../../src/options/option.ts";
import { flagOf, outsideDefault, outsideOptions, variableOf } from "../../src/options/outside.ts";
import { commonFlags, runFlags, serveFlags, variables } from "../../src/options/runner.ts";
import { typeOf } from "../../src/options/text-values.ts";
import { optionInterfaces } from "./option-interfaces.ts";

/** Returns the text of `docs/options.md`. */
export function optionsDoc(): string {
  return [
    "# Options",
    "",
    "<!-- Made by `npm run docs` from the tables of `src/options/`: change it there. -->",
    "",
    "A flag counts more than a variable of the environment, that more than a line of `.env`, and that more than what the",
    "code passes. Secrets have no flag, since other users of the machine can read flags.",
    "",
    ...optionInterfaces.flatMap(({ name, doc, table }) => [
      `## ${name}`,
      "",
      doc,
      "",
      "| Option | Flag, variable | Type | Unit | Default | Meaning |",
      "|---|---|---|---|---|---|",
      ...Object.entries(table).map(([key, row]) => optionRow(key, row)),
      "",
    ]),
    "## Flags alone",
    "",
    "| Flag, variable | Meaning |",
    "|---|---|",
    ...[...outsideOptions(serveFlags), ...outsideOptions(runFlags), ...outsideOptions(commonFlags)].map(
      ({ name, row }) => `| \`${flagOf(name)}\`, \`${variableOf(name)}\` | ${cell(row.doc)} |`,
    ),
    "",
    "## Variables alone",
    "",
    "| Variable | Meaning |",
    "|---|---|",
    ...Object.entries(variables).map(([name, { help }]) => `| \`${name}\` | ${cell(help)} |`),
    "",
  ].join("\n");
}

function optionRow(key: string, row: OptionRow): string {
  const [outside] = outsideOptions({ [key]: row });
  const names: string[] = [];
  if (outside) {
    if (!outside.outside.secret) names.push(flagOf(outside.name));
    names.push(variableOf(outside.name), ...(outside.outside.alsoReads ?? []));
  }
  const written = defaultText(row);
  const said = row.derived === undefined && written !== null ? `\`${written}\`` : written;
  const there = outside && outsideDefault(outside);
  const differs = outside?.outside.derived !== undefined && outside.outside.derived !== row.derived;
  const ofCode = said ?? (isOptional(row) ? "" : "required");
  const onCommandLine = differs && there ? [`on the command line: ${there}`] : [];
  const all = [...(ofCode === "" ? [] : [ofCode]), ...onCommandLine].join("; ");
  const type = row.type ?? typeOf(row.schema) ?? "";
  return `| \`${key}\` | ${names.map((name) => `\`${name}\``).join(" ")} | \`${cell(type)}\` | ${unitOf(key) ?? ""} | ${cell(all)} | ${cell(row.doc)} |`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
