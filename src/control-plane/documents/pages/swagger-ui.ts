import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The files of swagger-ui-dist that the page loads, with their types. */
export const swaggerFiles = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
} as const;
export type SwaggerFile = keyof typeof swaggerFiles;

export function isSwaggerFile(name: string): name is SwaggerFile {
  return Object.hasOwn(swaggerFiles, name);
}

/**
 * Reads a file of Swagger UI. In the package it lies beside this module; in a clone it is in the development
 * dependency. Resolves with null where it is not there.
 */
export async function readSwaggerFile(name: SwaggerFile): Promise<Buffer | null> {
  for (const folder of folders()) {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return null;
}

function* folders(): Generator<string> {
  yield fileURLToPath(new URL("./swagger-ui/", import.meta.url));
  try {
    yield dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  } catch {
    // The package is not installed.
  }
}
