import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { endReasonNames, endReasons } from "../../src/shared/end-reasons.ts";
import { folder, readResources, renderOffered } from "../fixtures/k8s/kustomize.ts";
import { withKustomize } from "../fixtures/k8s/layers.ts";
import { type PrometheusRule, type ScaledObject, the } from "../fixtures/k8s/resources.ts";
import { needs } from "../fixtures/needs.ts";

const { spec } = readResources("components/prometheus-rule/rules.yaml")[0] as PrometheusRule;
const rules = spec.groups.flatMap(({ rules }) => rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const [scaledObject] = readResources("components/keda/scaled-object.yaml") as ScaledObject[];
const cases = join(import.meta.dirname, "../fixtures/k8s/alerts.yaml");
const runbook = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
const withPromtool = needs("promtool");

function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-rules-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes the rules as a plain file of Prometheus, and returns its path: JSON is YAML. */
function writeRules(folder: string): string {
  const path = join(folder, "rules.json");
  writeFileSync(path, JSON.stringify(spec));
  return path;
}

withPromtool("promtool accepts the rules", (t) => {
  const { status, stdout, stderr } = spawnSync(
    "promtool",
    ["check", "rules", writeRules(temporaryFolder(t))],
    {
      encoding: "utf8",
    },
  );
  t.is(status, 0, stderr);
  t.regex(stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
});

interface Cases {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly object[];
    }[];
    readonly promql_expr_test?: readonly object[];
  }[];
}

/** Returns the cases, with the query of KEDA's trigger of that name in place of each `$keda:name`. */
function readCases(): string {
  const text = readFileSync(cases, "utf8");
  return text.replaceAll(/\$keda:([\w-]+)/g, (_, name: string) => {
    const trigger = scaledObject?.spec.triggers.find((trigger) => trigger.name === name);
    if (!trigger) throw new Error(`KEDA has no trigger ${name}`);
    return JSON.stringify(trigger.metadata.query);
  });
}

withPromtool(
  "alerts fire when they should and not when they should not, and KEDA's queries count right",
  (t) => {
    const work = temporaryFolder(t);
    writeRules(work);
    const path = join(work, "cases.yaml");
    writeFileSync(path, readCases());
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", path], { encoding: "utf8" });
    t.is(status, 0, `${stdout}\n${stderr}`);
  },
);

withPromtool("a case that does not come true is found", (t) => {
  const work = temporaryFolder(t);
  writeRules(work);
  const path = join(work, "cases.yaml");
  // One that is right, and one that is wrong: all of them would take as long again as they do above.
  // Texts stay texts: a series such as 0x60 is no number.
  const { tests, ...rest } = parse(readCases(), { schema: "failsafe" }) as Cases;
  const critical = tests.find((one) => JSON.stringify(one).includes(`"severity":"critical"`))!;
  const wrong = JSON.parse(JSON.stringify(critical).replace(`"critical"`, `"none"`));
  const judge = (some: readonly object[]) => {
    writeFileSync(path, JSON.stringify({ ...rest, tests: some }));
    execFileSync("promtool", ["test", "rules", path], { stdio: "ignore" });
  };
  t.notThrows(() => judge([critical]));
  t.throws(() => judge([wrong]));
});

test("there is a case for each alert in which it fires, and one in which it does not", (t) => {
  const { tests } = parse(readCases()) as Cases;
  const judged = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
  for (const { alert } of alerts) {
    const own = judged.filter(({ alertname }) => alertname === alert);
    t.true(
      own.some(({ exp_alerts = [] }) => exp_alerts.length > 0),
      `${alert} fires`,
    );
    t.true(
      own.some(({ exp_alerts = [] }) => exp_alerts.length === 0),
      `${alert} does not fire`,
    );
  }
});

test("the plain rule file is the same", (t) => {
  const path = join(folder, "components/prometheus-rule/rules.yml");
  t.deepEqual(parse(readFileSync(path, "utf8")), spec);
});

test("each alert says how bad it is, what is wrong and what to do, and has its place in the runbook", (t) => {
  t.true(alerts.length >= 15);
  for (const { alert = "", labels = {}, annotations = {} } of alerts) {
    t.regex(labels.severity ?? "", /^(critical|warning)$/, alert);
    t.true((annotations.summary ?? "").length > 20, alert);
    t.true((annotations.action ?? "").length > 60, alert);
    const anchor = alert.toLowerCase();
    t.true(runbook.includes(`| <a id="${anchor}"></a>\`${alert}\` |`), `docs/operations.md knows ${alert}`);
    t.is(annotations.runbook_url, `https://docs.example.com/greenroom/operations.md#${anchor}`, alert);
  }
});

withKustomize(
  "alerts link to the address that the production overlay names, and to nowhere else",
  async (t) => {
    const address = "https://wiki.test/pages/42?view=full";
    const { resources } = await renderOffered("overlays/production", "prometheus-rule", {
      "runbook.yaml": (text) => text.replace(/url: .*/, `url: ${address}`),
    });
    const { spec } = the<PrometheusRule>(resources, "PrometheusRule", "greenroom");
    const urls = spec.groups.flatMap(({ rules }) =>
      rules.flatMap((rule) => rule.annotations?.runbook_url ?? []),
    );
    t.is(urls.length, alerts.length);
    for (const url of urls) t.regex(url, /^https:\/\/wiki\.test\/pages\/42\?view=full#greenroom[a-z]+$/);
    const others = resources.filter(({ metadata }) => metadata.name.includes("runbook"));
    t.deepEqual(others, [], "where that address is kept is not applied");
  },
);

test("each end reason is counted by the alert that its row names", (t) => {
  for (const name of new Set(Object.values(endReasons).map((row) => row.alert))) {
    if (name === null) continue;
    const { expr = "" } = alerts.find(({ alert }) => alert === name) ?? {};
    const counted = /reason=~?"([\w|]+)"/.exec(String(expr))?.[1]?.split("|") ?? [];
    const named = endReasonNames.filter((reason) => endReasons[reason].alert === name);
    t.deepEqual(counted.toSorted(), named.toSorted(), name);
  }
});

test("what the alerts tell to set or to look at exists", (t) => {
  const catalogue = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
  const options = readFileSync(join(import.meta.dirname, "../../docs/options.md"), "utf8");
  const words = `${alerts.map(({ annotations = {} }) => annotations.action).join("\n")}\n${runbook}`;
  for (const [name] of words.matchAll(/\bgreenroom_\w+/g)) t.true(catalogue.includes(`\`${name}\``), name);
  for (const [name] of words.matchAll(/\bGREENROOM_[A-Z_]+/g)) t.true(options.includes(`\`${name}\``), name);
});
