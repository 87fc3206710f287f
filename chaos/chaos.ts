/** `npm run chaos -- --seed N --minutes M [--replicas 3]`: see README.md. */
import { parseArgs } from "node:util";
import { isInstalled } from "../test/fixtures/is-installed.ts";
import { chaosRun } from "./chaos-run.ts";
import { allFaults } from "./faults/all-faults.ts";
import { setBackRedis } from "./faults/kept-redis.ts";
import { reportText, unexcused } from "./report.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "3" },
    replicas: { type: "string", default: "3" },
    "set-back": { type: "boolean", default: false },
  },
});
const [seed, minutes, replicas] = [values.seed, values.minutes, values.replicas].map(Number) as [
  number,
  number,
  number,
];
const faults = values["set-back"] ? [...allFaults, setBackRedis] : allFaults;
const missing = ["redis-server", "haproxy"].filter((program) => !isInstalled(program));

if (!Number.isInteger(seed) || seed < 0 || !(minutes > 0) || !Number.isInteger(replicas) || replicas < 2) {
  console.error(
    "Usage: npm run chaos -- [--seed <whole number>] [--minutes <number>] [--replicas <2 or more>] [--set-back]",
  );
  process.exitCode = 2;
} else if (missing.length > 0) {
  console.error(`Not installed: ${missing.join(", ")}`);
  process.exitCode = 2;
} else {
  if (!isInstalled("faketime")) console.log("faketime is not installed: no clock jumps.");
  if (process.getuid?.() !== 0) console.log("Not run as root: no log volume is full.");
  console.log(`Seed ${seed}, ${minutes} minutes, ${replicas} replicas`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop.abort(new Error(`${signal}`)));
  try {
    const print = (line: string) => console.log(line);
    const report = await chaosRun({ seed, minutes, replicas, faults, print, signal: stop.signal });
    console.log(reportText(report));
    process.exitCode = unexcused(report).length > 0 ? 1 : 0;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  // Callers of a run that was stopped may still wait.
  process.exit();
}
