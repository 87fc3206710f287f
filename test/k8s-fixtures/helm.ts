import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { folder, parseResources } from "./kustomize.ts";
import type { Resource } from "./resources.ts";

const execute = promisify(execFile);

export const chart = join(folder, "helm/greenroom");

/** The values by their path, such as `keda.enabled`, as `--set-json` takes them. */
export type Values = Readonly<Record<string, unknown>>;

/** Runs helm. Resolves with its output. Rejects with its complaints, without its notes on symbolic links. */
export async function helm(...args: readonly string[]): Promise<string> {
  try {
    return (await execute("helm", args, { maxBuffer: 2 ** 25 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(stdout + stderr.replaceAll(/^walk\.go:.*\n/gm, ""));
  }
}

/** Resolves with the resources that the chart makes with these values in place of its own. */
export async function renderChart(values: Values = {}, namespace = "greenroom"): Promise<Resource[]> {
  const settings = Object.entries(values).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  const text = await helm(
    ...["template", "some-release", chart, "--namespace", namespace, "--kube-version", "1.34.0"],
    ...settings.flatMap((setting) => ["--set-json", setting]),
  );
  return parseResources(text);
}
