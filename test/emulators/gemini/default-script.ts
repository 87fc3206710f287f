import type { GeminiRequest, GeminiScript, GeminiStep, WirePart } from "./script.ts";

/** Answers by rules: about the weather and the time with tools, where these are declared; otherwise with an echo. */
export const defaultScript: GeminiScript = (request) => {
  const last = request.contents?.at(-1)?.parts ?? [];
  const results = last.filter(({ functionResponse }) => functionResponse !== undefined);
  if (results.length > 0) return [{ text: results.map(phrase).join(" ") }];
  // With several speakers, each message begins with a name.
  const said = last.map(({ text }) => text ?? "").join(" ");
  const calls = request.toolConfig?.functionCallingConfig?.mode === "NONE" ? [] : callsFor(said, request);
  return calls.length > 0 ? [{ calls }] : [{ text: answer(said) }];
};

function callsFor(said: string, { tools }: GeminiRequest): Extract<GeminiStep, { readonly call: string }>[] {
  const declared = tools?.flatMap(({ functionDeclarations = [] }) => functionDeclarations) ?? [];
  const weather = declared.find(({ name }) => name === "get_weather");
  const place = /\bweather\b.*?\b(?:in|at|for|of)\s+([^?!.;\n]+)/is.exec(said)?.[1];
  if (weather !== undefined && place !== undefined) {
    const [parameter = "location"] = Object.keys(weather.parametersJsonSchema?.properties ?? {});
    return place
      .split(/,|\band\b/i)
      .map((part) => part.replaceAll(/\b(today|tomorrow|now|right now|please)\b/gi, "").trim())
      .filter((part) => part !== "")
      .map((part) => ({ call: "get_weather", args: { [parameter]: part } }));
  }
  if (/\btime\b/i.test(said) && declared.some(({ name }) => name === "get_time"))
    return [{ call: "get_time" }];
  return [];
}

function phrase({ functionResponse }: WirePart): string {
  const { name = "", response = {} } = functionResponse ?? {};
  const { output, error } = response;
  if (error !== undefined) return `I could not use ${name}: ${text(error)}.`;
  const weather = output as Readonly<Record<string, unknown>> | null;
  if (typeof weather === "object" && typeof weather?.temperatureCelsius === "number") {
    return `In ${text(weather.location)} it is ${weather.temperatureCelsius} degrees, ${text(weather.conditions)}.`;
  }
  return `${name} says: ${text(output ?? response)}.`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function answer(said: string): string {
  if (/\b(hi|hello|hey|greet|welcome|introduce)\b/i.test(said)) {
    return "Hello! I stand in for Gemini on this machine. Ask me about the weather somewhere, or just talk to me.";
  }
  if (/\b(bye|goodbye)\b/i.test(said)) return "Goodbye! It was nice to talk to you.";
  if (/\b(interesting|story|fact)\b/i.test(said)) {
    return "Did you know? A day on Venus is longer than its year. It turns that slowly, and backwards too.";
  }
  return `I heard you say: ${said.trim()}. That is all that I can tell you, for I only play Gemini.`;
}
