import { execFile, spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { Resource } from "./resources.ts";

const execute = promisify(execFile);

/** The folder of the manifests. */
export const folder = join(import.meta.dirname, "../../k8s");

export const components = readdirSync(join(folder, "components")).sort();

/** The names of the layers: the base, and every overlay. */
export const layers = [
  "base",
  ...readdirSync(join(folder, "overlays")).map((name) => `overlays/${name}`),
].sort();

/** Returns the reason why nothing can be rendered here, or null. */
export function noKustomize(): string | null {
  const { stdout, error } = spawnSync("kubectl", ["version", "--client", "--output", "json"], {
    encoding: "utf8",
  });
  if (error) return "kubectl is not installed";
  const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } };
  const [major = 0, minor = 0] = clientVersion.gitVersion.match(/\d+/g)?.map(Number) ?? [];
  return major > 1 || minor >= 27 ? null : `kubectl is ${clientVersion.gitVersion}, older than 1.27`;
}

/** A file kustomization.yaml, as far as tests read it. */
export interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly replicas?: readonly object[];
  readonly patches?: readonly object[];
}

const kustomizationOf = (layer: string): Kustomization =>
  parse(readFileSync(join(folder, layer, "kustomization.yaml"), "utf8")) as Kustomization;

/** Returns the combinations that are tested: each layer by itself, with each component, and with all of them. */
export function combinations(): { readonly layer: string; readonly added: readonly string[] }[] {
  return layers.flatMap((layer) => {
    const { components: own = [], replicas } = kustomizationOf(layer);
    const more = components.filter(
      (name) =>
        !own.includes(`../../components/${name}`) &&
        // KEDA's file says so.
        !(name === "keda" && replicas),
    );
    return [[], ...more.map((name) => [name]), more].map((added) => ({ layer, added }));
  });
}

/**
 * Resolves with the resources of a layer with these components added to its own file, as users do, made by `kubectl
 * kustomize`. The base, which is not changed by them, is put together with its components by an overlay. Further
 * fields, such as patches, go to the end of that file's lists.
 */
export async function render(
  layer: string,
  added: readonly string[] = [],
  further: Kustomization = {},
): Promise<Resource[]> {
  return inCopy(async (copy) => {
    const changed = layer === "base" ? "overlays/combined" : layer;
    const path = join(copy, changed, "kustomization.yaml");
    mkdirSync(join(copy, changed), { recursive: true });
    const own: Kustomization = layer === "base" ? { resources: ["../../base"] } : kustomizationOf(layer);
    const more = added.map((name) => `../../components/${name}`);
    const all = { ...own, components: [...(own.components ?? []), ...more] };
    writeFileSync(path, stringify(joined(all, further)));
    return build(join(copy, changed));
  });
}

function joined(own: Kustomization, further: Kustomization): Kustomization {
  const result: Record<string, unknown> = { ...own };
  for (const [name, list] of Object.entries(further)) {
    result[name] = [...((result[name] as unknown[] | undefined) ?? []), ...list];
  }
  return result;
}

/**
 * Resolves with the resources of a layer with the components that its file offers in comments taken up: one of them, or
 * all. `changes` are the edits that users make in files beside it.
 */
export async function renderOffered(
  layer: string,
  only?: string,
  changes: Readonly<Record<string, (text: string) => string>> = {},
): Promise<{ offered: string[]; resources: Resource[] }> {
  return inCopy(async (copy) => {
    const path = join(copy, layer, "kustomization.yaml");
    const text = readFileSync(path, "utf8");
    const offer = /^#( {2}- \.\.\/\.\.\/components\/([\w-]+) .*)$/gm;
    const offered = [...text.matchAll(offer)].map(([, , name]) => name!);
    // As whoever takes it up does: a # is taken away, and nothing else changes.
    const taken = text.replaceAll(offer, (line, rest: string, name: string) =>
      only === undefined || only === name ? rest : line,
    );
    writeFileSync(path, taken.replace(/^#(components:)$/m, "$1"));
    for (const [name, change] of Object.entries(changes)) {
      const file = join(copy, layer, name);
      writeFileSync(file, change(readFileSync(file, "utf8")));
    }
    return { offered, resources: await build(join(copy, layer)) };
  });
}

async function inCopy<T>(use: (copy: string) => Promise<T>): Promise<T> {
  const copy = mkdtempSync(join(tmpdir(), "greenroom-k8s-"));
  try {
    cpSync(folder, copy, { recursive: true });
    return await use(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

async function build(path: string): Promise<Resource[]> {
  const { stdout, stderr } = await execute("kubectl", ["kustomize", path], { maxBuffer: 2 ** 25 });
  // It warns of what will be refused by a later version.
  if (stderr !== "") throw new Error(stderr);
  return parseResources(stdout);
}

export function parseResources(text: string): Resource[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    // Helm leaves documents with nothing but a comment.
    return (document.toJS() as Resource | null) ?? [];
  });
}

/** Returns every YAML file of the manifests, by its path. */
export function sources(): Map<string, string> {
  const paths = globSync("{base,components,overlays}/**/*.yaml", { cwd: folder });
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

export const readResources = (path: string): Resource[] =>
  parseResources(readFileSync(join(folder, path), "utf8"));
