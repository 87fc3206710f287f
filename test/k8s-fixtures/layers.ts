import test, { type ExecutionContext } from "ava";
import { unless } from "../fixtures/needs.ts";
import { combinations, layers, noKustomize, render } from "./kustomize.ts";
import { type Container, type Deployment, ofKind, type PodSpec, type Resource, the } from "./resources.ts";

/** Declares tests that need a kubectl that renders. */
export const withKustomize = unless(noKustomize(), test.serial);

/** A layer with the components that are added to it. */
export interface Combination {
  readonly layer: string;
  readonly added: readonly string[];
}

/** Each layer by itself. */
export const alone: readonly Combination[] = layers.map((layer) => ({ layer, added: [] }));

/** Each overlay with all components. */
export const whole: readonly Combination[] = combinations().filter(
  ({ layer, added }) => layer !== "base" && added.length > 3,
);

/** Declares one test for each of these. */
export function each(
  title: string,
  which: readonly Combination[],
  check: (t: ExecutionContext, resources: readonly Resource[], layer: string) => void,
): void {
  for (const { layer, added } of which) {
    withKustomize(`${title}: ${[layer, ...added].join(" + ")}`, async (t) => {
      check(t, await render(layer, added), layer);
    });
  }
}

export const podOf = (resources: readonly Resource[], name = "greenroom"): PodSpec =>
  the<Deployment>(resources, "Deployment", name).spec.template.spec;

export const serverOf = (resources: readonly Resource[]): Container => podOf(resources).containers[0]!;

/**
 * Returns the environment of the server: its ConfigMap, its own list of variables, and the files that it reads where
 * they are made here and not set otherwise.
 */
export function environmentOf(resources: readonly Resource[]): Partial<Record<string, string>> {
  const { envFrom = [], env = [] } = serverOf(resources);
  const settings = envFrom.map(
    ({ configMapRef }) => the(resources, "ConfigMap", configMapRef?.name ?? "").data,
  );
  const own = env.map(({ name, value }) => [name, value ?? "of-the-pod"]);
  const files = projectedFiles(resources);
  return Object.assign({}, ...files, ...settings, Object.fromEntries(own));
}

/** Returns the variables of ConfigMaps that are mounted as files, in the order in which they count. */
function projectedFiles(resources: readonly Resource[]): (Readonly<Record<string, string>> | undefined)[] {
  const sources = podOf(resources).volumes?.flatMap(({ projected }) => projected?.sources ?? []) ?? [];
  const names = sources.flatMap(({ configMap }) => configMap?.name ?? []);
  return ofKind<Resource>(resources, "ConfigMap")
    .filter(({ metadata }) => names.includes(metadata.name))
    .map(({ data }) => data);
}
