/** Makes the plain rule file of Prometheus from the PrometheusRule of its Operator: `node scripts/rules.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

const folder = join(import.meta.dirname, "../k8s/components/prometheus-rule");
const { spec } = parse(readFileSync(join(folder, "rules.yaml"), "utf8")) as { spec: object };
const note =
  "# Made from rules.yaml by scripts/rules.ts. For `rule_files` of a Prometheus without the Operator.\n";
writeFileSync(join(folder, "rules.yml"), note + stringify(spec, { lineWidth: 120 }));
