/** `npm run bench -- <name>… [--json] [--llm <provider>]`: measures what docs/figures.md quotes. */
import { parseArgs } from "node:util";
import cgroup from "./cgroup.ts";
import comeBack from "./come-back.ts";
import operationsPage from "./console.ts";
import ears from "./ears.ts";
import exhaustion from "./exhaustion.ts";
import { type Bench, type BenchSettings, jsonLine, llms, machine, tableRow } from "./figure.ts";
import fleet from "./fleet.ts";
import handoff from "./handoff.ts";
import hang from "./hang.ts";
import memory from "./memory.ts";
import room from "./room.ts";
import scale from "./scale.ts";
import sentences from "./sentences.ts";
import start from "./start.ts";
import stream from "./stream.ts";
import voice from "./voice.ts";

const benches: Readonly<Record<string, Bench>> = {
  start,
  hang,
  handoff,
  scale,
  memory,
  exhaustion,
  cgroup,
  voice,
  fleet,
  stream,
  room,
  sentences,
  ears,
  console: operationsPage,
  "come-back": comeBack,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, llm: { type: "string", default: "gemini" } },
});
const llm = llms.find((one) => one === values.llm);
const names = positionals.includes("all") ? Object.keys(benches) : positionals;
const unknown = names.filter((name) => !(name in benches));

if (names.length === 0 || unknown.length > 0 || llm === undefined) {
  if (unknown.length > 0) console.error(`There is no bench ${unknown.join(", ")}.`);
  if (llm === undefined) console.error(`--llm is one of ${llms.join(", ")}.`);
  console.log(`npm run bench -- <name>… [--json] [--llm ${llms.join("|")}, of voice]\n`);
  for (const [name, { about }] of Object.entries(benches)) console.log(`  ${name.padEnd(12)}${about}`);
  console.log(`  ${"all".padEnd(12)}all of them`);
  process.exitCode = unknown.length > 0 || llm === undefined ? 2 : 0;
} else {
  if (!values.json) console.log(`${machine()}\n`);
  const settings: BenchSettings = { llm };
  for (const name of names) {
    await benches[name]?.run(
      (figure) => console.log(values.json ? jsonLine(name, figure) : tableRow(name, figure)),
      settings,
    );
  }
}
