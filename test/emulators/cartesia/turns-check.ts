import { invalid, Refusal } from "./refusal.ts";

/** A valid query of the recogniser. */
export interface TurnsQuery {
  readonly sampleRate: number;
  readonly keyterms: readonly string[];
}

const numbers: Readonly<Record<string, readonly [least: number, most: number]>> = {
  turn_start_threshold: [0.5, 0.9],
  turn_eager_end_threshold: [0.3, 0.6],
  turn_end_threshold: [0.05, 0.5],
  turn_end_timeout_ms: [640, 11_200],
};
const others = ["model", "encoding", "sample_rate", "keyterm", "cartesia_version", "api_key", "access_token"];

/** Reads the query of a connection. Throws a {@link Refusal} for what Cartesia refuses. */
export function readTurnsQuery(query: URLSearchParams): TurnsQuery {
  const strange = [...query.keys()].find((name) => numbers[name] === undefined && !others.includes(name));
  if (strange !== undefined) throw invalid(`unknown parameter: ${strange}`);
  if (query.get("model") !== "ink-2") {
    const message = "The model is not valid, make sure it is a valid model ID.";
    throw new Refusal(400, "model_not_found", "Invalid model", message);
  }
  if (query.get("encoding") !== "pcm_s16le") throw invalid("The emulator listens to pcm_s16le only");
  const sampleRate = Number(query.get("sample_rate"));
  if (!Number.isInteger(sampleRate) || sampleRate < 8_000 || sampleRate > 48_000) {
    throw invalid("sample_rate is not valid");
  }
  for (const [name, [least, most]] of Object.entries(numbers)) {
    const value = query.get(name);
    if (value === null) continue;
    const number = Number(value);
    if (value === "" || !(number >= least && number <= most))
      throw invalid(`${name} must be from ${least} to ${most}`);
  }
  const threshold = (name: string, usual: number) => Number(query.get(`turn_${name}_threshold`) ?? usual);
  const [start, eager, end] = [threshold("start", 0.8), threshold("eager_end", 0.4), threshold("end", 0.2)];
  if (!(start > eager && eager > end))
    throw invalid("The thresholds must be in order: start, eager end, end");
  const keyterms = query.getAll("keyterm");
  if (keyterms.length > 100 || keyterms.join("").length > 1_200) throw invalid("too many key terms");
  return { sampleRate, keyterms };
}
