/**
 * Reports what each subpath of the package exports, for `api-report/`: it is made of the declarations that the compiler
 * writes, and a test compares it, so that a change of the contract with users is seen in a diff. `npm run docs` writes it.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { Declarations, type Place } from "./api/declarations.ts";
import type { Manifest } from "./manifest.ts";

const root = join(import.meta.dirname, "..");

/** The contract with users of one subpath of the package. */
export interface ApiReport {
  /** The path of the report, from the root. */
  readonly path: string;
  readonly text: string;
  readonly exported: readonly string[];
  /** The names in an exported declaration that no subpath exports. */
  readonly hidden: readonly string[];
  /** The exported declarations that show private members. */
  readonly showingPrivate: readonly string[];
  readonly undocumented: readonly string[];
}

/** Compiles the declarations, and reports on each subpath. */
export function apiReports(): ApiReport[] {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-api-"));
  try {
    compile(folder);
    const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    return reports(folder, manifest.exports);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Writes the declarations of the server's side, and of the client for browsers, which is a project of its own. Types are not
 * checked here: `npm run types` does that, and it takes a third of the time.
 */
function compile(folder: string): void {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const client = ["--noEmit", "false", "--declaration", "--rewriteRelativeImportExtensions"];
  for (const words of [
    ["--project", join(root, "tsconfig.build.json")],
    ["--project", join(root, "src/client"), ...client, "--rootDir", root],
  ]) {
    const all = [compiler, ...words, "--emitDeclarationOnly", "--noCheck", "--outDir", folder];
    const { status, stdout } = spawnSync(process.execPath, all, { encoding: "utf8" });
    if (status !== 0) throw new Error(`The declarations cannot be compiled: ${stdout}`);
  }
}

const keyOf = ({ file, name }: Place): string => `${file}#${name}`;

function reports(folder: string, entries: Readonly<Record<string, string>>): ApiReport[] {
  const declarations = new Declarations();
  const found = Object.entries(entries).map(([subpath, source]) => {
    const file = join(folder, source.replace(/\.ts$/, ".d.ts"));
    const places = declarations.exportsOf(file).map((name) => {
      const place = declarations.find(file, name);
      if (!place) throw new Error(`${subpath} exports ${name}, of which there is no declaration`);
      return { name, place };
    });
    return { subpath, places };
  });
  const everywhere = new Set(found.flatMap(({ places }) => places.map(({ place }) => keyOf(place))));
  return found.map(({ subpath, places }) => {
    const textOf = (place: Place) =>
      declarations
        .of(place)
        .map(({ text }) => text)
        .join("\n");
    const pathOf = ({ file }: Place) => relative(folder, file).replace(/\.d\.ts$/, ".ts");
    const hidden = reachedFrom(
      declarations,
      places.map(({ place }) => place),
    )
      .filter((place) => !everywhere.has(keyOf(place)))
      .toSorted((one, other) => keyOf(one).localeCompare(keyOf(other)));
    const texts = [
      `// Made by \`npm run docs\`: what greenroom${subpath.slice(1)} exports.`,
      ...places.map(({ name, place }) =>
        name === place.name ? textOf(place) : `${textOf(place)}\nexport { ${place.name} as ${name} };`,
      ),
      ...(hidden.length > 0 ? ["// What these name, and nobody can import:"] : []),
      ...hidden.map((place) => `// ${pathOf(place)}\n${textOf(place)}`),
    ];
    return {
      path: `api-report/${subpath === "." ? "index" : subpath.slice(2)}.d.ts`,
      text: `${texts.join("\n\n")}\n`,
      exported: places.map(({ name }) => name),
      hidden: hidden.map((place) => `${pathOf(place)}: ${place.name}`),
      showingPrivate: places
        .filter(({ place }) => textOf(place).includes("#private"))
        .map(({ name }) => name),
      undocumented: places
        .filter(({ place }) => !declarations.of(place).some(({ isDocumented }) => isDocumented))
        .map(({ name }) => name),
    };
  });
}

/** Returns every declaration that these declarations name, directly or through others. */
function reachedFrom(declarations: Declarations, places: readonly Place[]): Place[] {
  const reached = new Map<string, Place>();
  const queue = [...places];
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    if (reached.has(keyOf(place))) continue;
    reached.set(keyOf(place), place);
    for (const { words } of declarations.of(place)) {
      for (const word of words) {
        const named = declarations.named(place.file, word);
        if (named) queue.push(named);
      }
    }
  }
  return [...reached.values()];
}
