import { join } from "node:path";
import test from "ava";
import { freePort } from "../fixtures/free-port.ts";
import { bin, Child } from "../fixtures/runner/child.ts";
import { ask, heard, startSession } from "../fixtures/runner/rest.ts";

const main = join(import.meta.dirname, "main.ts");

/** The lines that can be copied: `export NAME=value`, and as `.env` has them. */
const environmentIn = (printed: string, prefix: string): Record<string, string> =>
  Object.fromEntries(
    [...printed.matchAll(new RegExp(`^${prefix}([A-Z_]+)=(.*)$`, "gm"))].map(([, ...pair]) => pair),
  );

test.serial("its output is all that the built-in agent needs to use the emulators", async (t) => {
  const emulators = new Child(t, [main, "--delays", "none"]);
  await emulators.printed(/\.env:\n\n(?:\w+=\S+\n){12}/);
  const exported = environmentIn(emulators.stdout, "export ");
  t.deepEqual(Object.keys(exported).toSorted(), [
    "CARTESIA_API_KEY",
    "CARTESIA_BASE_URL",
    "DEEPGRAM_API_KEY",
    "DEEPGRAM_BASE_URL",
    "ELEVENLABS_API_KEY",
    "ELEVENLABS_BASE_URL",
    "EXAMPLE_BASE_URL",
    "GOOGLE_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "STREAM_API_KEY",
    "STREAM_API_SECRET",
    "STREAM_BASE_URL",
  ]);
  t.deepEqual(environmentIn(emulators.stdout, ""), exported);
  for (const provider of ["gemini", "deepgram", "elevenlabs", "cartesia", "stream"]) {
    t.regex(emulators.stdout, new RegExp(`^${provider} +http://127\\.0\\.0\\.1:\\d+$`, "m"));
  }

  t.regex(emulators.stdout, /^They do not listen: /m);

  const dotEnv = Object.entries(exported).map((pair) => `${pair.join("=")}\n`);
  const server = new Child(t, [bin, "serve", "--port", "0"], { dotEnv: dotEnv.join("") });
  const url = await server.readyUrl();
  const { msg } = await server.logged(/^Agent: /);
  t.is(
    msg,
    "Agent: LLM gemini gemini-2.5-flash-lite, STT deepgram flux-general-en, TTS elevenlabs eleven_flash_v2_5, edge browser.",
  );
  t.false(server.log.some(({ msg }) => /does not work/.test(msg)));
  const id = await startSession(url);
  const events = () => fetch(`${url}/sessions/${id}/events`);
  await heard(await events(), /"text":"Hello! I stand in for Gemini/);
  t.is((await ask(url, `/sessions/${id}/messages`, { text: "Are you there?" })).status, 202);
  await heard(await events(), /"text":"I heard you say: Are you there\?\. That is all/);

  emulators.kill("SIGINT");
  t.deepEqual(await emulators.exit, { code: 0, signal: null });
  t.is(emulators.stderr, "");
});

test.serial("a port may be given; one that is in use is reported in a line", async (t) => {
  const port = String(await freePort());
  const first = new Child(t, [main, "--gemini", port]);
  await first.printed(new RegExp(`^gemini +http://127\\.0\\.0\\.1:${port}$`, "m"));
  const second = new Child(t, [main, "--deepgram", port]);
  t.deepEqual(await second.exit, { code: 1, signal: null });
  t.is(second.stderr, `Port ${port} is in use: choose another one, or none\n`);
  first.kill("SIGTERM");
  t.is((await first.exit).code, 0);
  const third = new Child(t, [main, "--deepgram", port]);
  await third.printed(new RegExp(`^deepgram +http://127\\.0\\.0\\.1:${port}$`, "m"));
});

for (const [args, complaint] of [
  [["--delays", "some"], "--delays must be published or none\n"],
  [["--gemini", "x"], '--gemini must be a port, not "x"\n'],
  [["--what"], "Unknown option '--what'\n"],
] as const) {
  test.serial(`asked for wrongly: ${args.join(" ")}`, async (t) => {
    const child = new Child(t, [main, ...args]);
    t.is((await child.exit).code, 2);
    t.is(child.stderr, complaint);
  });
}
