import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { allEndpoints } from "../../src/control-plane/router.ts";
import { families } from "../../src/metrics/catalogue.ts";
import { loadCauses, slotStates, startStages } from "../../src/metrics/labels.ts";
import { Metrics } from "../../src/metrics/prometheus.ts";
import { endReasonNames } from "../../src/shared/end-reasons.ts";
import { errors } from "../../src/shared/errors.ts";
import { folder, readResources } from "../fixtures/k8s/kustomize.ts";
import { type Query, readQuery } from "../fixtures/k8s/promql.ts";
import type { PrometheusRule, ScaledObject } from "../fixtures/k8s/resources.ts";
import { needs } from "../fixtures/needs.ts";

interface Panel {
  /** The panels of a row that is folded up. */
  readonly panels?: readonly Panel[];
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const dashboard = JSON.parse(
  readFileSync(join(folder, "components/grafana-dashboard/greenroom.json"), "utf8"),
) as Dashboard;
const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
/** Returns a query with values in place of Grafana's own variables, which it fills in before Prometheus sees them. */
const filledIn = (text: string): string =>
  text.replaceAll("$__rate_interval", "5m").replaceAll(/\$(namespace|instance)\b/g, ".*");
const rules = (
  readResources("components/prometheus-rule/rules.yaml")[0] as PrometheusRule
).spec.groups.flatMap(({ rules }) => rules);
const triggers = (readResources("components/keda/scaled-object.yaml")[0] as ScaledObject).spec.triggers;

/** Every query that there is, by its place. */
const queries = new Map<string, string>([
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }, index): [string, string] => [`dashboard: ${title} ${index}`, filledIn(expr)]),
  ),
  ...rules.map(({ record, alert, expr }): [string, string] => [`rule: ${record ?? alert}`, expr]),
  ...triggers.map(({ name, metadata }): [string, string] => [`KEDA: ${name}`, metadata.query ?? ""]),
]);

/** The labels that Prometheus adds to each series of a pod. */
const ofTarget = ["namespace", "pod", "container", "job", "instance"];

/** Resolves with the labels of each series, by its name. */
async function knownSeries(): Promise<Map<string, ReadonlySet<string>>> {
  const known = new Map<string, ReadonlySet<string>>([["up", new Set(ofTarget)]]);
  const add = (name: string, labels: readonly string[]) => known.set(name, new Set([...labels, ...ofTarget]));
  for (const { name, type, labels } of families) {
    if (type !== "histogram") add(name, labels);
    else {
      add(`${name}_bucket`, [...labels, "le"]);
      for (const suffix of ["sum", "count"]) add(`${name}_${suffix}`, labels);
    }
  }
  // Those of the process, as they are exposed.
  const text = await new Metrics().text();
  for (const [, name] of text.matchAll(/^# TYPE ((?:process|nodejs)_\w+) /gm)) add(name!, []);
  for (const { record, expr } of rules)
    if (record !== undefined) known.set(record, new Set(readQuery(expr).result));
  return known;
}

test("every query is PromQL", (t) => {
  t.true(queries.size > 60);
  for (const [where, text] of queries) t.deepEqual(readQuery(text).errors, [], where);
});

needs("promtool")("so thinks the Prometheus that is installed", (t) => {
  const work = mkdtempSync(join(tmpdir(), "greenroom-queries-"));
  t.teardown(() => rmSync(work, { recursive: true }));
  const rules = [...queries.values()].map((expr, index) => ({ record: `query:${index}`, expr }));
  writeFileSync(join(work, "rules.json"), JSON.stringify({ groups: [{ name: "queries", rules }] }));
  const { status, stderr } = spawnSync("promtool", ["check", "rules", join(work, "rules.json")], {
    encoding: "utf8",
  });
  t.is(status, 0, stderr);
});

test("every query names metrics and labels that exist", async (t) => {
  const known = await knownSeries();
  for (const [where, text] of queries) {
    const { selectors, grouped } = readQuery(text);
    t.true(selectors.length > 0, where);
    for (const { name, matchers } of selectors) {
      const labels = known.get(name);
      t.truthy(labels, `${where}: there is no ${name}`);
      for (const { label } of matchers) t.true(labels?.has(label), `${where}: ${name} has no ${label}`);
    }
    for (const { labels, of } of grouped) {
      for (const label of labels) {
        for (const name of of) t.true(known.get(name)?.has(label), `${where}: ${name} has no ${label}`);
      }
    }
  }
});

/** The values of labels that are a closed set, by series and label. */
const values: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  greenroom_sessions_ended_total: { reason: endReasonNames },
  greenroom_watchdog_kills_total: { reason: ["unresponsive", "out_of_memory", "flooded", "killed"] },
  greenroom_session_start_refusals_total: { code: Object.keys(errors) },
  greenroom_load_guard_active: { cause: loadCauses },
  greenroom_pool_slots: { state: slotStates },
  greenroom_session_start_seconds_bucket: { stage: startStages },
  "greenroom:session_start_seconds:p95_5m": { stage: startStages },
  greenroom_webhook_deliveries_total: { outcome: ["delivered", "failed", "dropped", "gone"] },
  greenroom_http_request_seconds_count: {
    route: allEndpoints({ metricsPort: 9_090, authenticated: false, strictBodies: false }).map(
      ({ path }) => path,
    ),
    method: ["GET", "POST", "DELETE"],
    status: ["200", "201", "202", "204", "400", "404", "429", "500", "503", "504"],
    from: ["client", "peer"],
  },
};

test("values that a query asks for can occur", (t) => {
  let checked = 0;
  for (const [where, text] of queries) {
    for (const { name, matchers } of readQuery(text).selectors) {
      for (const { label, operator, value } of matchers) {
        const possible = values[name]?.[label];
        if (!possible) continue;
        const wanted = operator === "=~" ? value.split("|") : [value];
        for (const one of wanted) {
          const pattern = operator === "=~" && one.includes(".*") ? new RegExp(`^(?:${one})$`) : null;
          const occurs = pattern ? possible.some((text) => pattern.test(text)) : possible.includes(one);
          t.true(occurs, `${where}: ${name}{${label}="${one}"}`);
        }
        checked += 1;
      }
    }
  }
  t.true(checked > 10);
});

test("a query that names what is not there is found", async (t) => {
  const known = await knownSeries();
  const wrong: readonly (readonly [string, (query: Query) => boolean])[] = [
    ["sum(greenroom_session)", ({ selectors }) => !known.has(selectors[0]!.name)],
    [
      'greenroom_sessions{stat="live"}',
      ({ selectors }) => !known.get("greenroom_sessions")?.has(selectors[0]!.matchers[0]!.label),
    ],
    [
      "sum by (reason) (greenroom_sessions)",
      ({ grouped }) => !known.get("greenroom_sessions")?.has(grouped[0]!.labels[0]!),
    ],
    ["sum(rate(greenroom_sessions[5m])", ({ errors }) => errors.length > 0],
  ];
  for (const [text, isFound] of wrong) t.true(isFound(readQuery(text)), text);
});

test("every family of the server is on the dashboard or in an alert", (t) => {
  const used = new Set(
    [...queries.values()].flatMap((text) => readQuery(text).selectors.map(({ name }) => name)),
  );
  const missing = families
    .map(({ name }) => name)
    .filter((name) => !["", "_bucket", "_sum", "_count"].some((suffix) => used.has(name + suffix)));
  t.deepEqual(missing, leftOut);
});

/** The metrics that the dashboard leaves out, since they say little beside those that it shows. */
const leftOut = [
  "greenroom_pool_utilisation_ratio",
  "greenroom_llm_latency_seconds",
  "greenroom_llm_tool_latency_seconds",
  "greenroom_realtime_audio_seconds_total",
];

test("panels do not overlap, and legends name labels that their query keeps", (t: ExecutionContext) => {
  const taken = new Set<string>();
  for (const { title, gridPos, targets = [] } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      t.true(x < 24, title);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        t.false(taken.has(`${x} ${y}`), title);
        taken.add(`${x} ${y}`);
      }
    }
    for (const { expr, legendFormat = "" } of targets) {
      const { result, selectors } = readQuery(filledIn(expr));
      t.true(expr.includes('instance=~"$instance"'), title);
      const bare = result.length === 0 && selectors.length === 1;
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        t.true(bare || result.includes(label!), `${title}: ${label}`);
      }
    }
  }
  t.deepEqual(
    dashboard.templating.list.map(({ name }) => name),
    ["datasource", "namespace", "instance"],
  );
});
