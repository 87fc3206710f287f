import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setDefaultCACertificates } from "node:tls";
import test, { type ExecutionContext } from "ava";
import { WebSocket } from "ws";
import { errorKind } from "../../src/agent/error-kind.ts";
import { PeerMarks } from "../../src/control-plane/peers/connection/mark.ts";
import { PeerClient } from "../../src/control-plane/peers/connection/peer-client.ts";
import { proxyFor } from "../../src/network/proxy.ts";
import * as cartesia from "../../src/providers/cartesia/index.ts";
import { STT } from "../../src/providers/deepgram/index.ts";
import { TTS } from "../../src/providers/elevenlabs/index.ts";
import { LLM } from "../../src/providers/gemini/index.ts";
import { getWeatherByLocation } from "../../src/providers/local/index.ts";
import * as openaiCompatible from "../../src/providers/openai-compatible/index.ts";
import { Coordinator } from "../../src/providers/stream/coordinator/coordinator.ts";
import { fillOptions } from "../../src/providers/stream/options.ts";
import { SfuSocket, socketTimes } from "../../src/providers/stream/wire/sfu-socket.ts";
import { SignalClient } from "../../src/providers/stream/wire/twirp.ts";
import { threadEnvironment } from "../../src/supervisor/threads/thread-environment.ts";
import { attemptDelivery } from "../../src/supervisor/webhook/webhook-attempt.ts";
import { startCartesia } from "../emulators/cartesia.ts";
import { selfSigned } from "../emulators/certificate.ts";
import { startDeepgram } from "../emulators/deepgram.ts";
import { none as silence, startElevenlabs } from "../emulators/elevenlabs.ts";
import { startGemini } from "../emulators/gemini.ts";
import { startOpenai } from "../emulators/openai.ts";
import { startStream } from "../emulators/stream.ts";
import { ForwardProxy } from "../fixtures/providers/forward-proxy.ts";
import { ask } from "../fixtures/providers/one-answer.ts";
import { SfuEnd } from "../fixtures/stream/sfu.ts";

const proxied = "http://proxy.test:3128/";

for (const [what, url, environment, expected] of [
  ["no variable", "https://api.test", {}, null],
  ["https", "https://api.test/v1", { HTTPS_PROXY: proxied }, proxied],
  ["wss as https", "wss://api.test/v1", { HTTPS_PROXY: proxied }, proxied],
  ["http", "http://api.test", { HTTP_PROXY: proxied }, proxied],
  ["ws as http", "ws://api.test", { HTTP_PROXY: proxied }, proxied],
  ["http by the other's variable", "http://api.test", { HTTPS_PROXY: proxied }, null],
  ["https by the other's variable", "https://api.test", { HTTP_PROXY: proxied }, null],
  ["lower case", "https://api.test", { https_proxy: proxied }, proxied],
  [
    "lower case before capitals",
    "https://api.test",
    { https_proxy: proxied, HTTPS_PROXY: "http://other.test" },
    proxied,
  ],
  ["an empty one", "https://api.test", { https_proxy: "", HTTPS_PROXY: " " }, null],
  [
    "an empty one beside one in capitals",
    "https://api.test",
    { https_proxy: "", HTTPS_PROXY: proxied },
    proxied,
  ],
  ["an address without a scheme", "https://api.test", { HTTPS_PROXY: "proxy.test:3128" }, proxied],
  [
    "credentials",
    "https://api.test",
    { HTTPS_PROXY: "http://a:b@proxy.test:3128" },
    "http://a:b@proxy.test:3128/",
  ],
  ["a proxy with TLS", "https://api.test", { HTTPS_PROXY: "https://proxy.test" }, "https://proxy.test/"],
  ["this machine", "http://127.0.0.1:8080", { HTTP_PROXY: proxied }, proxied],
] as const) {
  test(`the proxy of a URL: ${what}`, (t) => {
    t.is(proxyFor(url, environment)?.href ?? null, expected);
  });
}

for (const [list, url, direct] of [
  ["*", "https://api.test", true],
  ["api.test", "https://api.test", true],
  ["API.test", "https://api.TEST", true],
  ["api.test", "https://eu.api.test", true],
  ["api.test", "https://myapi.test", false],
  [".api.test", "https://eu.api.test", true],
  [".api.test", "https://api.test", true],
  ["*.api.test", "https://eu.api.test", true],
  ["*.api.test", "https://myapi.test", false],
  ["one.test, two.test", "https://two.test", true],
  ["one.test two.test", "https://two.test", true],
  ["one.test,,  ", "https://two.test", false],
  ["api.test:443", "https://api.test", true],
  ["api.test:443", "wss://api.test", true],
  ["api.test:8443", "https://api.test", false],
  ["api.test:8443", "https://api.test:8443", true],
  ["127.0.0.1", "https://127.0.0.1:9", true],
  ["127.0.0.1:9", "https://127.0.0.1:9", true],
  ["0.0.1", "https://127.0.0.1", false],
  ["10.0.0.0/8", "https://10.1.2.3", true],
  ["10.0.0.0/8", "https://11.1.2.3", false],
  ["10.0.0.0/8", "https://api.test", false],
  ["10.0.0.0/99,what/8", "https://10.1.2.3", false],
  ["::1", "https://[::1]:9", true],
  ["[::1]", "https://[::1]:9", true],
  ["[::1]:9", "https://[::1]:9", true],
  ["[::1]:8", "https://[::1]:9", false],
  ["fd00::/8", "https://[fd12::1]", true],
  ["fd00::/8", "https://10.1.2.3", false],
  ["localhost", "http://localhost:3000", true],
  [".svc.cluster.local", "http://hooks.shop.svc.cluster.local", true],
] as const) {
  test(`NO_PROXY=${list} ${direct ? "leaves out" : "does not leave out"} ${url}`, (t) => {
    const environment = { HTTP_PROXY: proxied, HTTPS_PROXY: proxied, NO_PROXY: list };
    t.is(proxyFor(url, environment) === null, direct);
  });
}

test("an invalid address of a proxy is named, and not quoted", (t) => {
  for (const wrong of ["socks5://user:secret@proxy.test", "http://", "http://user:secret@pro xy:1"]) {
    const error = t.throws(() => proxyFor("https://api.test", { https_proxy: wrong }), {
      instanceOf: TypeError,
    });
    t.regex(error.message, /^HTTPS_PROXY is no address of an HTTP proxy/);
    t.false(error.message.includes("secret"));
  }
});

test("session threads have the proxies' variables, whatever their environment is restricted to", (t) => {
  const ofProcess = { HTTPS_PROXY: proxied, no_proxy: "a.test", GREENROOM_API_KEY: "k", HOME: "/home" };
  t.like(threadEnvironment(undefined, ofProcess), {
    HTTPS_PROXY: proxied,
    no_proxy: "a.test",
    HOME: "/home",
  });
  const given = threadEnvironment({ A: "1" }, ofProcess);
  t.like(given, { A: "1", HTTPS_PROXY: proxied, no_proxy: "a.test" });
  t.deepEqual([given.HOME, given.GREENROOM_API_KEY], [undefined, undefined]);
  const own = threadEnvironment({ https_proxy: "", NO_PROXY: "b.test" }, ofProcess);
  t.deepEqual(
    [own.HTTPS_PROXY, own.https_proxy, own.no_proxy, own.NO_PROXY],
    [undefined, "", undefined, "b.test"],
  );
});

const certificate = selfSigned();
setDefaultCACertificates([certificate.cert]);

/** A proxy that all requests of this test leave by. Tests are serial, since they share the environment. */
async function behindProxy(t: ExecutionContext, noProxy = ""): Promise<ForwardProxy> {
  const proxy = await ForwardProxy.open(t);
  const variables = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: noProxy };
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) process.env[name] = "";
  });
  return proxy;
}

/**
 * Returns the address of the same server by a name that only the proxy can resolve; with TLS by the one that its
 * certificate has.
 */
const named = (url: string, name: string) =>
  url.replace("127.0.0.1", url.startsWith("https:") ? "localhost" : `${name}.test`);
const hostOf = (url: string) => new URL(url).host;
const signal = () => AbortSignal.timeout(30_000);

const admitted = `Basic ${Buffer.from("jo@office:p:w/1").toString("base64")}`;

for (const secure of [false, true]) {
  const how = secure ? "with TLS" : "without TLS";
  const tls = secure ? { tls: certificate } : {};

  test.serial(`Gemini is reached through the proxy, ${how}, over a connection that is kept`, async (t) => {
    const proxy = await behindProxy(t);
    await using emulator = await startGemini({ ...tls });
    const url = named(emulator.url, "gemini");
    const llm = new LLM("gemini-2.5-flash-lite", { apiKey: "right-key", baseUrl: url });
    t.teardown(() => llm.close());
    await llm.warm(signal());
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
    const passages = proxy.asked(hostOf(url));
    t.is(passages.length, secure ? 1 : 2);
    t.true(passages.every(({ authorization }) => authorization === admitted));
    t.is(passages[0]!.asked.startsWith("CONNECT "), secure);
  });

  test.serial(`ElevenLabs is reached through the proxy, ${how}`, async (t) => {
    const proxy = await behindProxy(t);
    await using emulator = await startElevenlabs({ delays: silence, ...tls });
    const url = named(emulator.url, "elevenlabs");
    const tts = new TTS({ apiKey: "a-key", baseUrl: url, firstByteTimeoutMs: 30_000 });
    t.teardown(() => tts.close());
    let samples = 0;
    for await (const chunk of tts.speak("Hello there.", { signal: signal() }))
      samples += chunk.samples.length;
    t.true(samples > 0);
    t.is(proxy.asked(hostOf(url)).length, 1);
  });

  test.serial(
    `Deepgram is reached through the proxy, ${how}: its check of the key and its WebSocket`,
    async (t) => {
      const proxy = await behindProxy(t);
      await using emulator = await startDeepgram({ ...tls });
      const url = named(emulator.url, "deepgram");
      const stt = new STT({ apiKey: "key", baseUrl: url.replace("http", "ws"), connectTimeoutMs: 30_000 });
      t.teardown(() => stt.close());
      await stt.warm(signal());
      t.is(emulator.log.of("key_check").length, 1);
      await stt.listen({ participantId: "ann", signal: signal() });
      const asked = proxy.asked(hostOf(url)).map((passage) => passage.asked);
      t.is(asked.length, 2);
      t.is(asked[1], `CONNECT ${hostOf(url)}`);
      t.true(emulator.log.of("handshake").length === 1);
    },
  );

  test.serial(
    `Cartesia and OpenAI's realtime transcription are reached through the proxy, ${how}`,
    async (t) => {
      const proxy = await behindProxy(t);
      await using speaking = await startCartesia({ ...tls });
      await using hearing = await startOpenai({ ...tls });
      const urls = [named(speaking.url, "cartesia"), named(hearing.url, "openai")] as const;
      const limits = { apiKey: "a-key", connectTimeoutMs: 30_000 };
      const tts = new cartesia.TTS({ ...limits, baseUrl: urls[0], firstByteTimeoutMs: 30_000 });
      const stt = new openaiCompatible.RealtimeSTT("gpt-4o-transcribe", { ...limits, baseUrl: urls[1] });
      t.teardown(() => Promise.all([tts.close(), stt.close()]));
      for await (const _ of tts.speak("Hello there.", { signal: signal() }));
      await stt.listen({ participantId: "ann", signal: signal() });
      for (const url of urls) {
        t.deepEqual(
          proxy.asked(hostOf(url)).map(({ asked }) => asked),
          [`CONNECT ${hostOf(url)}`],
        );
      }
    },
  );
}

test.serial(
  "Stream is reached through the proxy: by its SDK, by our own requests, and the SFU on both its ways",
  async (t) => {
    const proxy = await behindProxy(t);
    await using stream = await startStream();
    const url = named(stream.url, "stream");
    const { apiKey, apiSecret } = stream;
    const coordinator = new Coordinator(fillOptions({ apiKey, apiSecret, baseUrl: url }));
    const call = { callType: "default", callId: "demo" };
    await coordinator.upsertUser({ id: "agent", name: "Agent" }, signal());
    await coordinator.getOrCreateCall(call, "agent", signal());
    const { credentials } = await coordinator.join({ call, userId: "agent", signal: signal() });
    t.deepEqual(
      proxy.asked(hostOf(url)).map(({ asked }) => new URL(asked.split(" ")[1]!).pathname.split("/").at(-1)),
      ["users", "demo", "join"],
    );
    const sfu = named(credentials.url, "sfu");
    const signalling = new SignalClient({ url: sfu, token: credentials.token, signal: signal() });
    await signalling
      .call("IceRestart", { sessionId: "none" })
      .catch((error) => t.not(errorKind(error), "network"));
    t.true(proxy.asked(`POST ${sfu}`).length > 0);
    await using end = await SfuEnd.open();
    const webSocketUrl = named(end.webSocketUrl, "sfu");
    const socket = new SfuSocket(WebSocket, {
      url: webSocketUrl,
      onEvent: () => {},
      onLost: () => {},
      times: { ...socketTimes, openTimeoutMs: 30_000, joinTimeoutMs: 30_000 },
    });
    const joining = socket.join({ sessionId: "s1", token: "t" });
    await end.request();
    end.send({ joinResponse: { fastReconnectDeadlineSeconds: 10 } });
    await joining;
    t.is(proxy.asked(`CONNECT ${hostOf(webSocketUrl)}`).length, 1);
  },
);

/** A server that answers everything alike, and keeps what it was asked. */
async function server(t: ExecutionContext, body = "{}") {
  const asked: string[] = [];
  const http = createServer((request, response) => {
    asked.push(request.headers.host ?? "");
    request.resume();
    response.end(body);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    http.closeAllConnections();
    http.close();
  });
  return { asked, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

const delivery = (url: string) => ({
  url: new URL(url),
  secrets: [Buffer.from("secret")],
  id: "msg_1",
  body: "{}",
  timeoutMs: 30_000,
  abort: new AbortController(),
});

test.serial("webhooks and the weather are sent through the proxy", async (t) => {
  const proxy = await behindProxy(t);
  const { url, asked } = await server(t);
  const hook = named(url, "hooks");
  t.like(await attemptDelivery(delivery(`${hook}/a?b=c`)), { decision: "delivered" });
  t.is(proxy.asked(`POST ${hook}/a?b=c`).length, 1);
  t.deepEqual(asked, [hostOf(hook)]);
  const weather = named(url, "weather");
  await getWeatherByLocation("Oslo", { url: weather, timeoutMs: 30_000 });
  t.is(proxy.asked(`GET ${weather}/v1/search`).length, 1);
});

test.serial("hosts in NO_PROXY are reached directly", async (t) => {
  const proxy = await behindProxy(t, "127.0.0.0/8,localhost");
  await using deepgram = await startDeepgram({});
  await using elevenlabs = await startElevenlabs({ delays: silence });
  const stt = new STT({ apiKey: "key", baseUrl: deepgram.url });
  const tts = new TTS({ apiKey: "a-key", baseUrl: elevenlabs.url, firstByteTimeoutMs: 30_000 });
  t.teardown(() => Promise.all([stt.close(), tts.close()]));
  await stt.listen({ participantId: "ann", signal: signal() });
  await tts.warm(signal());
  t.like(await attemptDelivery(delivery((await server(t)).url)), { decision: "delivered" });
  t.deepEqual(proxy.passages, []);
});

test.serial("peers are reached directly, whatever the proxies are", async (t) => {
  const proxy = await behindProxy(t);
  const { url, asked } = await server(t);
  const client = new PeerClient(new PeerMarks(["a secret of this test"]));
  const request = {
    hop: { kind: "located" as const, from: "a", to: "b", ip: "::1", host: null },
    method: "GET",
    target: "/",
    mount: "",
    headers: [],
    body: null,
    signTimeoutMs: 30_000,
    answerTimeoutMs: 30_000,
    signal: signal(),
  };
  await client.ask({ nodeId: "b", address: url }, request).catch(() => undefined);
  t.deepEqual([asked.length > 0, proxy.passages], [true, []]);
});

test.serial("the error of a proxy's refusal has its reason, and never its password", async (t) => {
  const proxy = await behindProxy(t);
  const wrong = proxy.url.replace("p%3Aw%2F1", "wrong-password");
  Object.assign(process.env, { HTTP_PROXY: wrong, HTTPS_PROXY: wrong });
  for (const baseUrl of ["ws://deepgram.test:9000", "wss://deepgram.test:9001"]) {
    const stt = new STT({ apiKey: "key", baseUrl, connectAttempts: 1, connectTimeoutMs: 30_000 });
    t.teardown(() => stt.close());
    const error = await t.throwsAsync(stt.listen({ participantId: "ann", signal: signal() }));
    t.regex(error?.message ?? "", /via http:\/\/127\.0\.0\.1:\d+\/?: .*407/);
    t.false(error?.message.includes("wrong-password"));
    t.is(errorKind(error), "network");
  }
});
