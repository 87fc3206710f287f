import { families } from "../../src/metrics/catalogue.ts";
import { type MetricFamily, unitOf } from "../../src/metrics/metric-family.ts";
import { sessionMetricFields } from "../../src/shared/session/session-metric-fields.ts";

/** Returns the text of `docs/metrics.md`. */
export function metricsDoc(): string {
  return [
    "# Metrics",
    "",
    "<!-- Made by `npm run docs` from `src/metrics/catalogue.ts`, `measurement-table.ts` and `src/shared/session/session-metric-fields.ts`: change it there. -->",
    "",
    "## Of the server: `GET /metrics`",
    "",
    "In the Prometheus text format, in base units, for the whole process: no series belongs to one session. At most 20",
    "values of `provider`, `model` and `error` are told apart, the rest is counted as `other`. Besides these there are the",
    "usual metrics of a Node.js process (`process_…`, `nodejs_…`).",
    "",
    "| Name | Type | Unit | Labels | Meaning |",
    "|---|---|---|---|---|",
    ...families.map(familyRow),
    "",
    "Buckets of the histograms, in seconds:",
    "",
    "| Name | Upper bounds |",
    "|---|---|",
    ...families.flatMap(bucketRow),
    "",
    "## Of one session: `GET /sessions/{id}/metrics`",
    "",
    "The names and meanings of Vision Agents, times in milliseconds. An average without data is null, a total 0.",
    "",
    "| Name | Meaning |",
    "|---|---|",
    ...Object.entries(sessionMetricFields).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    "",
  ].join("\n");
}

function familyRow(family: MetricFamily): string {
  const { name, type, labels, help } = family;
  const unit = unitOf(family);
  return `| \`${name}\` | ${type} | ${unit ?? ""} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`;
}

function bucketRow({ name, buckets }: MetricFamily): string[] {
  return buckets === undefined ? [] : [`| \`${name}\` | ${buckets.join(" ")} |`];
}
