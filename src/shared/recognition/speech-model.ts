import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The model of the local recogniser: Moonshine tiny for English, MIT. Both files are pinned by their SHA-256: another model has
 * other inputs, and a damaged one says nonsense.
 */
export const speechModel = {
  name: "moonshine-tiny",
  package: "@moonshine-ai/moonshine-js",
  /** The folder of the files within the package. */
  folder: "dist/model/tiny/quantized",
  files: {
    "encoder_model.onnx": "c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a",
    "decoder_model_merged.onnx": "eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367",
  },
  /** The program that runs it. */
  runtime: "onnxruntime-web/wasm",
  /** The memory that the model and the program take, once for a process, in bytes. Measured: 380 to 440 MiB. */
  bytes: 448 * 2 ** 20,
} as const;

export type SpeechModelFile = keyof typeof speechModel.files;

/**
 * Returns the folder with the files of the model; null where it is not installed. In the packed library they lie beside this
 * module; in a clone they are in the development dependency.
 */
export function speechModelFolder(): string | null {
  return (
    [...folders()].find((folder) =>
      Object.keys(speechModel.files).every((name) => existsSync(join(folder, name))),
    ) ?? null
  );
}

/** Returns what is missing for the local recogniser, as the end of a sentence; null where all is there. */
export function missingForRecognition(): string | null {
  if (speechModelFolder() === null) return "the files of its model are not installed";
  try {
    import.meta.resolve(speechModel.runtime);
    return null;
  } catch {
    return "the package onnxruntime-web is not installed";
  }
}

function* folders(): Generator<string> {
  yield fileURLToPath(new URL("./speech-model/", import.meta.url));
  try {
    // The package exports nothing but its program, dist/moonshine.min.js.
    const program = fileURLToPath(import.meta.resolve(speechModel.package));
    yield join(dirname(program), "..", speechModel.folder);
  } catch {
    // It is not installed.
  }
}
