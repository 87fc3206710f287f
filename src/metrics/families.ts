import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Catalogue, catalogue } from "./catalogue.ts";
import type { MetricFamily } from "./metric-family.ts";

type Label<Family extends MetricFamily> = Family["labels"][number];

type Made<Family extends MetricFamily> = Family extends { readonly type: "counter" }
  ? Counter<Label<Family>>
  : Family extends { readonly type: "gauge" }
    ? Gauge<Label<Family>>
    : Histogram<Label<Family>>;

/** The families of the catalogue as prom-client objects. */
export type Families = { readonly [Name in keyof Catalogue]: Made<Catalogue[Name]> };

/** Makes every family of the catalogue in this registry. */
export function makeFamilies(registry: Registry): Families {
  const made = Object.entries(catalogue).map(([key, family]) => [key, makeFamily(family, registry)]);
  return Object.fromEntries(made) as Families;
}

/** Makes one family in this registry. */
export function makeFamily<Family extends MetricFamily>(family: Family, registry: Registry): Made<Family>;
export function makeFamily(family: MetricFamily, registry: Registry): Counter | Gauge | Histogram {
  const settings = {
    name: family.name,
    help: family.help,
    labelNames: [...family.labels],
    registers: [registry],
  };
  switch (family.type) {
    case "counter":
      return new Counter(settings);
    case "gauge":
      return new Gauge(settings);
    case "histogram":
      return new Histogram({ ...settings, buckets: [...(family.buckets ?? [])] });
    default:
      return family.type satisfies never;
  }
}
