/** `npm run fuzz -- [--requests 100000] [--seed N] [--minutes 30]`: sends hostile requests to a server, and counts what is wrong. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { processUsage } from "../chaos/fleet/process-usage.ts";
import { eventually } from "../test/fixtures/eventually.ts";
import { freePort } from "../test/fixtures/free-port.ts";
import { exchange } from "./raw-exchange.ts";
import { rawRequests } from "./raw-request.ts";

const batch = 500;
const connections = 16;
const flawsShown = 20;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "30" },
  },
});
const [most, seed, minutes] = [values.requests, values.seed, values.minutes].map(Number) as [
  number,
  number,
  number,
];
const until = performance.now() + minutes * 60_000;

const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const server = spawn(
  process.execPath,
  [join(import.meta.dirname, "server-program.ts"), "serve", "--no-splash"],
  {
    env: {
      ...process.env,
      PORT: String(port),
      GREENROOM_LOG_LEVEL: "error",
      GREENROOM_HTTP_LOG_LEVEL: "error",
    },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
const exit = once(server, "exit");
process.once("exit", () => server.kill("SIGKILL"));
await eventually(
  "the server is ready",
  async () => (await fetch(`${url}/ready`).catch(() => null))?.status === 200,
  60_000,
);

const statuses = new Map<number | null, number>();
const flaws: string[] = [];
let sent = 0;
const before = processUsage(server.pid!);
const sessionId = await start();

for (let round = 0; sent < most && performance.now() < until && server.exitCode === null; round += 1) {
  const requests = fc.sample(rawRequests, { seed: seed + round, numRuns: Math.min(batch, most - sent) });
  const waiting = [...requests];
  const worker = async () => {
    for (let request = waiting.pop(); request; request = waiting.pop()) {
      const { status, flaw } = await exchange(port, request, sessionId);
      sent += 1;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (flaw !== null)
        flaws.push(
          `seed ${seed + round}: ${flaw}\n    ${JSON.stringify(request.bytes.toString("latin1")).slice(0, 600)}`,
        );
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

if (server.exitCode !== null || server.signalCode !== null) flaws.push("the server ended by itself");
else {
  const view = await fetch(`${url}/sessions/${sessionId}`);
  if (view.status !== 200) flaws.push(`afterwards the session is answered ${view.status}`);
  if ((await fetch(`${url}/ready`)).status !== 200) flaws.push("afterwards the server is not ready");
}
const after = processUsage(server.pid!);
server.kill("SIGKILL");
await exit;

console.log(`Seed ${seed}: ${sent} requests, ${flaws.length} flaws`);
for (const [status, count] of [...statuses].toSorted(([, one], [, other]) => other - one))
  console.log(`${String(count).padStart(8)}  ${status ?? "no answer"}`);
console.log(
  `Resident memory ${before.residentMiB} → ${after.residentMiB} MiB, descriptors ${before.descriptors} → ${after.descriptors}`,
);
for (const flaw of flaws.slice(0, flawsShown)) console.log(flaw);
if (sent < most) console.log(`Not all of ${most} were sent within ${minutes} minutes.`);
process.exit(flaws.length > 0 || sent < most ? 1 : 0);

async function start(): Promise<string> {
  const answer = await fetch(`${url}/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-fuzz-start": "yes" },
    body: JSON.stringify({ call_id: "call" }),
  });
  if (answer.status !== 201) throw new Error(`The start was answered ${answer.status}`);
  return ((await answer.json()) as { session_id: string }).session_id;
}
