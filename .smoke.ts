import { none, startElevenlabs } from "./test/emulators/elevenlabs.ts";
import * as elevenlabs from "./src/providers/elevenlabs/index.ts";
await using emulator = await startElevenlabs({ delays: none });
for (const alignment of [true, false]) {
const tts = new elevenlabs.TTS({ apiKey: "k", baseUrl: emulator.url, alignment });
await tts.warm(new AbortController().signal);
let n = 0; let chars="";
const t = performance.now();
for await (const c of tts.speak("Hello, wörld! 😀 Done.", { signal: new AbortController().signal, previousText: "x" })) { n += c.samples.length; chars += c.alignment?.characters.join("") ?? ""; console.log(c.samples.length, c.alignment?.characters.join("|"), c.alignment?.startMs.join(",")); }
console.log(n / 24, [..."Hello, wörld! 😀 Done."].length * 60, chars, performance.now() - t);
await tts.close();
}
console.log(emulator.log.entries.map((e) => [e.kind, e.request, e.connection, e.path].join(" ")), emulator.connections, process.getActiveResourcesInfo());
