import { home } from "./own-bundles.ts";

/** The contents of this project's package.json, as far as packing reads them. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  /** The folders and files that the package holds; npm adds the README and the licence by itself. */
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  /** The dependencies that a user may leave out: the parts that need them work without. */
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Returns those of the package's files that are read by people, and are copied as they are. */
export const papersOf = ({ files }: Manifest): string[] =>
  files.filter((name) => name !== "src" && name !== "workers");

/** The fields that are of use only in the clone. */
const left = ["private", "scripts", "devDependencies", "overrides", "allowScripts", "ava"] as const;

/** Returns the manifest of the package: its entries are compiled, and fields that only development needs are left out. */
export function packedManifest(source: Manifest, imports: { js: Set<string>; types: Set<string> }): object {
  const kept = Object.fromEntries(
    Object.entries(source).filter(([name]) => !(left as readonly string[]).includes(name)),
  );
  return {
    ...kept,
    files: [home, ...source.files],
    bin: mapValues(source.bin, compiled),
    exports: mapValues(source.exports, (path) => ({
      types: declarationOf(path),
      default: compiled(path),
    })),
    dependencies: { ...source.dependencies, ...typeDependencies(source, imports.types) },
  };
}

/** Checks the imports. Throws for one that an installed package would not find. */
export function checkImports(source: Manifest, js: ReadonlySet<string>): void {
  const installed = { ...source.dependencies, ...source.optionalDependencies };
  const missing = [...js].filter((name) => !(name in installed));
  if (missing.length > 0) throw new Error(`Imported, but not in dependencies: ${missing.join(", ")}`);
}

/**
 * Returns the packages of types alone that the package's own types need, since a user's compiler has to find them. Any
 * version is accepted: a second copy of the types of Node beside the user's own would contradict them. The SDKs, which
 * are bundled, are not among them: they are far larger than the used part of them.
 */
function typeDependencies(source: Manifest, types: ReadonlySet<string>): Record<string, string> {
  const needed: Record<string, string> = { "@types/node": "*" };
  for (const name of [...types].toSorted()) {
    const typed = `@types/${name.replace(/^@(.+)\/(.+)$/, "$1__$2")}`;
    if (typed in source.devDependencies) needed[typed] = source.devDependencies[typed]!;
    else if (!(name in source.dependencies))
      throw new Error(`The types import ${name}, which is no dependency`);
  }
  return needed;
}

export const declarationOf = (path: string): string => path.replace(/\.ts$/, ".d.ts");
export const compiled = (path: string): string => path.replace(/\.ts$/, ".js");

function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (value: In) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
