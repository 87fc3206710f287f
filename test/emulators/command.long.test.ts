import { join } from "node:path";
import test from "ava";
import { bin, Child } from "../fixtures/runner/child.ts";

const main = join(import.meta.dirname, "main.ts");

/** The lines that can be copied: `export NAME=value`, and as `.env` has them. */
const environmentIn = (printed: string, prefix: string): Record<string, string> =>
  Object.fromEntries(
    [...printed.matchAll(new RegExp(`^${prefix}([A-Z_]+)=(.*)$`, "gm"))].map(([, ...pair]) => pair),
  );

test.serial("a wrong key is refused by all emulators, and counted", async (t) => {
  const emulators = new Child(t, [main, "--delays", "none"]);
  await emulators.printed(/\.env:\n\n(?:\w+=\S+\n){6}/);
  const dotEnv = Object.entries(environmentIn(emulators.stdout, "export ")).map(([name, value]) =>
    name.endsWith("_KEY") ? `${name}=wrong-key\n` : `${name}=${value}\n`,
  );
  const server = new Child(t, [bin, "serve", "--port", "0"], { dotEnv: dotEnv.join("") });
  const url = await server.readyUrl();
  await server.logged(/^LLM gemini does not work: .*API key not valid/);
  await server.logged(/^STT deepgram does not work: .*401/);
  await server.logged(/^TTS elevenlabs does not work: /);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const [component, provider, error] of [
    ["llm", "gemini", "API_KEY_INVALID"],
    ["stt", "deepgram", "INVALID_AUTH"],
    ["tts", "elevenlabs", "invalid_api_key"],
  ]) {
    const series = `greenroom_provider_errors_total{component="${component}",provider="${provider}",error="${error}"} 1`;
    t.true(metrics.includes(series), series);
  }
  emulators.kill("SIGINT");
  await emulators.exit;
});
