import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import { otherLabel } from "./label-limit.ts";
import { numbersOf } from "./measured-numbers.ts";
import type { UsageField } from "./measurement-table.ts";
import { rounded } from "./rounded.ts";

/** A measurement of what a model consumed. */
type Consumption = Extract<Measurement, { readonly kind: ModelUsage["component"] }>;

/** The most models that are told apart in one session; further ones are summed up as `other`. */
const mostModels = 20;

/** The consumption of one session, by component, provider and model. */
export class Usage {
  readonly #rows = new Map<string, ModelUsage>();

  /** @param rows The consumption so far, where the session began in another process. */
  constructor(rows: readonly ModelUsage[] = []) {
    for (const row of rows) this.#rows.set(keyOf(row.component, row.provider, row.model), row);
  }

  record(measurement: Measurement): void {
    for (const { usage, of } of numbersOf(measurement)) {
      if (usage !== null) this.#add(measurement as Consumption, usage, of(measurement) ?? 0);
    }
  }

  /** Returns the consumption, not rounded, for another process to go on with. */
  get rows(): readonly ModelUsage[] {
    return [...this.#rows.values()];
  }

  list(): readonly ModelUsage[] {
    return [...this.#rows.values()].map((row) => {
      const entries = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === "number" ? rounded(value) : value,
      ]);
      return Object.fromEntries(entries) as ModelUsage;
    });
  }

  #add({ kind: component, ...model }: Consumption, field: UsageField, value: number): void {
    let { provider, model: name } = model;
    let key = keyOf(component, provider, name);
    if (!this.#rows.has(key) && this.#rows.size >= mostModels) {
      provider = otherLabel;
      name = otherLabel;
      key = keyOf(component, provider, name);
    }
    const row = this.#rows.get(key) ?? { component, provider, model: name };
    this.#rows.set(key, { ...row, [field]: (row[field] ?? 0) + value });
  }
}

const keyOf = (...names: readonly string[]): string => JSON.stringify(names);
