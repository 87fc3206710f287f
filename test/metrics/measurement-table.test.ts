import test from "ava";
import { numbersOf } from "../../src/metrics/measured-numbers.ts";
import { measurementTable } from "../../src/metrics/measurement-table.ts";
import { unitOf } from "../../src/metrics/metric-family.ts";
import type { Measurement } from "../../src/shared/measurement.ts";
import { sessionMetricFields } from "../../src/shared/session-metric-fields.ts";

const kinds = Object.keys(measurementTable) as Measurement["kind"][];
const numbers = kinds.flatMap((kind) => numbersOf({ kind } as Measurement));

test("each field of a session's metrics is summed of one number, unless it is said to be always empty", (t) => {
  const summed = numbers.flatMap(({ session }) => session?.field ?? []);
  const measured = Object.entries(sessionMetricFields)
    .filter(([, text]) => !text.startsWith("Always empty"))
    .map(([name]) => name);
  t.deepEqual(summed.toSorted(), measured.toSorted());
});

test("durations are counted in families of seconds, and nothing else is", (t) => {
  for (const { family, isDuration } of numbers) {
    if (family !== null) t.is(unitOf(family) === "seconds", isDuration, family.name);
  }
});

test("numbers of one measurement that are counted in the same family are told apart by their labels", (t) => {
  for (const kind of kinds) {
    const counted = numbersOf({ kind } as Measurement).flatMap(({ family, labels }) =>
      family === null ? [] : [`${family.name} ${JSON.stringify(labels)}`],
    );
    t.is(new Set(counted).size, counted.length, kind);
  }
});

test("a label that is no field of a measurement has its value in the row", (t) => {
  for (const { family, labels } of numbers) {
    const own = family?.labels.filter((label) => ["direction", "part"].includes(label)) ?? [];
    t.deepEqual(Object.keys(labels), own, family?.name);
  }
});
