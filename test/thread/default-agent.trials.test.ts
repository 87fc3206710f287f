import test, { type ExecutionContext } from "ava";
import { startCartesia } from "../emulators/cartesia.ts";
import { startDeepgram } from "../emulators/deepgram.ts";
import { startElevenlabs } from "../emulators/elevenlabs.ts";
import { startGemini } from "../emulators/gemini.ts";
import { openaiDelays, startOpenai } from "../emulators/openai.ts";
import { freePort } from "../fixtures/free-port.ts";
import { bin, Child } from "../fixtures/runner/child.ts";
import { ask, heard, startSession } from "../fixtures/runner/rest.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

type Environment = Readonly<Record<string, string>>;

/** The built-in agent, served. */
async function served(t: ExecutionContext, env: Environment) {
  const server = new Child(t, [bin, "serve", "--port", "0"], { env });
  const url = await server.readyUrl();
  const complaints = server.log.filter(({ level, part }) => (level as number) >= 40 && part !== undefined);
  const { msg: made } = await server.logged(/^Agent: /);
  t.is(server.log.filter(({ msg }) => msg === made).length, 1);
  return { server, url, made, complaints: complaints.map(({ msg }) => msg) };
}

/** An address at which nobody answers. */
async function nobody(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

const standIns = (names: string) => `Offline stand-ins take the place of what needs ${names}.`;

test.serial("without keys it is served by the offline stand-ins, and says so in one line", async (t) => {
  const { made, complaints } = await served(t, { GOOGLE_API_KEY: " " });
  t.is(
    made,
    "Agent: LLM local rules, STT local voice-activity, TTS local flite-slt, edge browser. " +
      standIns("GOOGLE_API_KEY, DEEPGRAM_API_KEY, and ELEVENLABS_API_KEY"),
  );
  t.deepEqual(complaints, []);
});

longForm("each provider whose key is set is used, and the stand-ins for the others", async (t) => {
  await using gemini = await startGemini();
  await using deepgram = await startDeepgram();
  const { made, complaints } = await served(t, { ...gemini.environment, ...deepgram.environment });
  t.is(
    made,
    "Agent: LLM gemini gemini-2.5-flash-lite, STT deepgram flux-general-en, TTS local flite-slt, edge browser. " +
      standIns("ELEVENLABS_API_KEY"),
  );
  t.deepEqual(complaints, []);
  // Nothing of the check costs anything.
  t.deepEqual([gemini.log.of("request").length, deepgram.log.of("handshake").length], [0, 0]);
});

test.serial(
  "GREENROOM_LLM, _STT and _TTS choose the services, whatever keys are set, and are told at the start",
  async (t) => {
    await using openai = await startOpenai({ delays: openaiDelays.none });
    await using gemini = await startGemini();
    const { url, made, complaints, server } = await served(t, {
      ...gemini.environment,
      ...openai.environment,
    });
    const services =
      "LLM openai-compatible emulated, STT openai-compatible whisper-1, TTS openai-compatible tts-1";
    t.is(made, `Agent: ${services}, edge browser.`);
    t.deepEqual(complaints, []);
    // No model for speech is kept for nobody.
    t.false(server.log.some(({ msg }) => /moonshine/i.test(msg)));
    const id = await startSession(url);
    const events = await fetch(`${url}/sessions/${id}/events`);
    await ask(url, `/sessions/${id}/messages`, { text: "What is the weather in Rome?" });
    await heard(events, /"final":true.*In Rome it is/);
    t.is(gemini.log.of("request").length, 0);
  },
);

test.serial(
  "a provider is chosen with its model, one of them stays local, and a wrong key is told",
  async (t) => {
    await using gemini = await startGemini();
    const { made, complaints } = await served(t, {
      ...gemini.environment,
      DEEPGRAM_API_KEY: "a-key-for-another-agent",
      GREENROOM_LLM: "gemini#gemini-2.5-flash",
      GREENROOM_STT: "local",
      GREENROOM_TTS: `openai:${await nobody()}#tts-1`,
      OPENAI_API_KEY: "a-key",
    });
    t.is(
      made,
      "Agent: LLM gemini gemini-2.5-flash, STT local voice-activity, TTS openai tts-1, edge browser.",
    );
    t.is(complaints.length, 1);
    t.regex(complaints[0] ?? "", /^TTS openai does not work: OpenAI cannot be reached: .*ECONNREFUSED/);
  },
);

test.serial("Cartesia and OpenAI's realtime transcription are chosen by their names", async (t) => {
  await using cartesia = await startCartesia({ account: { apiKey: "the-right-one" } });
  const { made, complaints } = await served(t, {
    ...cartesia.environment,
    CARTESIA_API_KEY: "a-wrong-key",
    GREENROOM_LLM: "local",
    GREENROOM_STT: "cartesia",
    GREENROOM_TTS: "cartesia#sonic-3@a-voice",
  });
  t.is(made, "Agent: LLM local rules, STT cartesia ink-2, TTS cartesia sonic-3, edge browser.");
  t.is(complaints.length, 2);
  t.regex(complaints[0] ?? "", /^STT cartesia does not work: Cartesia answered 401 unauthorized: /);
  t.regex(complaints[1] ?? "", /^TTS cartesia does not work: Cartesia answered 401 unauthorized: /);
  await using openai = await startOpenai();
  const other = await served(t, {
    GREENROOM_STT: `openai-realtime:${openai.url}#gpt-live-transcribe`,
    OPENAI_API_KEY: "a-key",
  });
  t.regex(other.made, /STT openai gpt-live-transcribe, /);
  t.deepEqual(other.complaints, []);
});

test.serial("a choice that cannot be is refused before anything starts", async (t) => {
  for (const command of ["serve", "run"]) {
    const child = new Child(t, [bin, command], {
      env: { GREENROOM_LLM: "grok#one", GREENROOM_STT: "groq", GREENROOM_TTS: "cerebras#x" },
    });
    child.end();
    t.is((await child.exit).code, 2);
    t.regex(child.stderr, /GREENROOM_LLM must begin with one of local, gemini, .*groq.*, not "grok#one"/);
    t.regex(child.stderr, /GREENROOM_STT must name a model after #, such as groq#MODEL, not "groq"/);
    t.regex(child.stderr, /GREENROOM_TTS must begin with one of local, elevenlabs, .*, not "cerebras#x"/);
  }
});

test.serial("a wrong key is one line at the start, and the server stays up", async (t) => {
  await using gemini = await startGemini({ apiKey: "the-right-one" });
  await using deepgram = await startDeepgram({ apiKey: "the-right-one" });
  await using elevenlabs = await startElevenlabs({ account: { apiKey: "the-right-one" } });
  const { url, complaints, server } = await served(t, {
    ...gemini.environment,
    ...deepgram.environment,
    ...elevenlabs.environment,
    GOOGLE_API_KEY: "a-wrong-key",
    DEEPGRAM_API_KEY: "a-wrong-key",
    ELEVENLABS_API_KEY: "a-wrong-key",
  });
  t.is(complaints.length, 3);
  t.regex(
    complaints[0] ?? "",
    /^LLM gemini does not work: Gemini answered 400 INVALID_ARGUMENT: API key not valid/,
  );
  t.regex(complaints[1] ?? "", /^STT deepgram does not work: Deepgram refused with 401: INVALID_AUTH/);
  t.regex(complaints[2] ?? "", /^TTS elevenlabs does not work: ElevenLabs answered 401 invalid_api_key/);
  t.is((await ask(url, "/ready")).status, 200);
  // A call in spite of it: each turn fails with the reason, and the thread lives on.
  const id = await startSession(url);
  const events = await fetch(`${url}/sessions/${id}/events`);
  await ask(url, `/sessions/${id}/messages`, { text: "Hello?" });
  await heard(events, /"outcome":"failed".*API key not valid/);
  t.is((await ask(url, `/sessions/${id}`)).body.state, "live");
  t.false(server.stdout.includes("a-wrong-key"));
  t.is(gemini.log.of("request").length <= 2, true, "a wrong key is not tried again");
});

longForm("in the console a wrong key is one line too, beside the conversation", async (t) => {
  await using gemini = await startGemini({ apiKey: "the-right-one" });
  const env = { ...gemini.environment, GOOGLE_API_KEY: "a-wrong-key" };
  const child = new Child(t, [bin, "run"], { env });
  child.end("Hello?\n");
  t.is((await child.exit).code, 0);
  const about = child.stderr.split("\n").filter((line) => /^(Agent|LLM|STT|TTS)/.test(line));
  t.is(about.length, 2);
  t.regex(about[0] ?? "", /^Agent: LLM gemini gemini-2\.5-flash-lite, /);
  t.regex(
    about[1] ?? "",
    /^LLM gemini does not work: Gemini answered 400 INVALID_ARGUMENT: API key not valid/,
  );
  t.regex(child.stdout, /^· failed: Gemini answered 400 INVALID_ARGUMENT: API key not valid/m);
});

longForm("a provider that cannot be reached is one line too", async (t) => {
  const address = await nobody();
  const { complaints, url } = await served(t, {
    ELEVENLABS_API_KEY: "any-key",
    ELEVENLABS_BASE_URL: address,
  });
  t.is(complaints.length, 1);
  t.regex(complaints[0] ?? "", /^TTS elevenlabs does not work: .*ECONNREFUSED/);
  t.is((await ask(url, "/ready")).status, 200);
});

longForm("--no-demo leaves out what the agent is made of", async (t) => {
  const child = new Child(t, [bin, "run", "--no-demo"]);
  child.end();
  t.is((await child.exit).code, 0);
  t.notRegex(child.stderr, /Agent:/);
});
