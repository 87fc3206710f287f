/** The query of a connection, checked as Deepgram checks it: a wrong one is refused with 400. */
export interface ListenQuery {
  readonly model: string;
  readonly sampleRate: number;
  readonly params: URLSearchParams;
}

type Check = (value: string, params: URLSearchParams) => string | null;

const truth: Check = (value) => (value === "true" || value === "false" ? null : "must be true or false");
const text: Check = (value) => (value === "" ? "must not be empty" : null);
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value) ? null : `must be one of ${values.join(", ")}`;
const between =
  (least: number, most: number, whole = false): Check =>
  (value) => {
    const number = Number(value);
    if (value === "" || Number.isNaN(number) || (whole && !Number.isInteger(number))) {
      return `must be ${whole ? "a whole number" : "a number"}`;
    }
    return number < least || number > most ? `must be between ${least} and ${most}` : null;
  };

const fluxEncodings = ["linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus"];

/** https://developers.deepgram.com/reference/speech-to-text/listen-flux */
const fluxChecks: Readonly<Record<string, Check>> = {
  model: oneOf("flux-general-en", "flux-general-multi"),
  encoding: oneOf(...fluxEncodings),
  sample_rate: oneOf("8000", "16000", "24000", "44100", "48000"),
  eot_threshold: between(0.5, 1),
  eager_eot_threshold: (value, params) => {
    const eot = Number(params.get("eot_threshold") ?? 0.7);
    return between(0.3, 0.9)(value, params) ?? (Number(value) > eot ? "must not exceed eot_threshold" : null);
  },
  eot_timeout_ms: between(500, 60_000, true),
  keyterm: text,
  language_hint: (value, params) =>
    params.get("model") === "flux-general-multi" ? text(value, params) : "needs flux-general-multi",
  numerals: truth,
  profanity_filter: truth,
  redact: oneOf("numbers", "aggressive_numbers"),
  mip_opt_out: truth,
  tag: text,
};

/** https://developers.deepgram.com/reference/speech-to-text/listen-streaming, as far as it concerns live speech. */
const novaChecks: Readonly<Record<string, Check>> = {
  model: (value) => (/^nova-[23](-[a-z]+)?$/.test(value) ? null : "is not a known model"),
  encoding: oneOf("linear16", "linear32", "flac", "mulaw", "alaw", "opus", "ogg-opus", "speex"),
  sample_rate: between(8_000, 96_000, true),
  channels: between(1, 20, true),
  multichannel: truth,
  language: text,
  interim_results: truth,
  endpointing: (value, params) => (value === "false" ? null : between(0, 60_000, true)(value, params)),
  utterance_end_ms: (value, params) =>
    between(1_000, 5_000, true)(value, params) ??
    (params.get("interim_results") === "true" ? null : "needs interim_results=true"),
  vad_events: truth,
  smart_format: truth,
  punctuate: truth,
  numerals: truth,
  profanity_filter: truth,
  diarize: truth,
  redact: text,
  keyterm: (value, params) =>
    params.get("model")?.startsWith("nova-3") ? text(value, params) : "is only supported by nova-3",
  keywords: (value, params) =>
    params.get("model")?.startsWith("nova-3")
      ? "is not supported by nova-3: use keyterm"
      : text(value, params),
  mip_opt_out: truth,
  tag: text,
};

const repeatable = new Set(["keyterm", "keywords", "language_hint", "redact", "tag"]);

/** Returns the query, or the reason for which it is refused. */
export function checkQuery(version: 1 | 2, params: URLSearchParams): ListenQuery | string {
  const checks = version === 2 ? fluxChecks : novaChecks;
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name);
    const check = checks[name];
    if (check === undefined) return `${name}: unknown parameter`;
    if (values.length > 1 && !repeatable.has(name)) return `${name}: given more than once`;
    for (const value of values) {
      const wrong = check(value, params);
      if (wrong !== null) return `${name}: ${wrong}`;
    }
  }
  const model = params.get("model");
  if (model === null) return "model: missing";
  const raw = !["opus", "ogg-opus", "flac"].includes(params.get("encoding") ?? "opus");
  if (raw !== params.has("sample_rate")) {
    return raw ? "sample_rate: required with a raw encoding" : "sample_rate: only with a raw encoding";
  }
  if (params.get("encoding") !== "linear16") return "encoding: the emulator listens to linear16 only";
  return { model, sampleRate: Number(params.get("sample_rate")), params };
}
