import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Endpoint } from "../endpoint.ts";
import { type BrowserBundle, bundleForBrowsers, madeOnce } from "./browser-bundle.ts";
import { pageEndpoints } from "./served-page.ts";

/** The folder of the page, with its sources in a clone, and with what is made of them in the package. */
export const consoleFolder = new URL("./pages/console/", import.meta.url);
const isClone = import.meta.url.endsWith(".ts");

/** Makes the script and the style of the operations page of their sources, which the package does not have. */
export function bundleConsole(options: { readonly minify?: boolean } = {}): Promise<BrowserBundle> {
  const entryPoints = {
    console: fileURLToPath(new URL("console.tsx", consoleFolder)),
    "console-style": fileURLToPath(new URL("style/console.css", consoleFolder)),
  };
  return bundleForBrowsers(entryPoints, options);
}

const bundle = madeOnce(() => bundleConsole());
const file = (name: string) => async () =>
  isClone ? ((await bundle()).files.get(name) ?? "") : readFile(new URL(name, consoleFolder));

/** The operations page: slots, sessions, latencies, ends and load of all replicas, as far as its caller may view them. */
export const consoleEndpoints: readonly Endpoint[] = pageEndpoints({
  path: "/console",
  option: "consolePage",
  policy: [],
  microphone: false,
  html: new URL("console.html", consoleFolder),
  files: { "console.js": file("console.js"), "console-style.css": file("console-style.css") },
});
