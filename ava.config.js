// The short form of the tests: `npm test [-- part]`.
import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns an order of test files in which those that take longest begin first, by their paths below `test`: the last ones would
 * else run alone, beside cores that have nothing to do.
 */
export function longestFirst(longest) {
  const files = longest.map((file) => join(import.meta.dirname, "test", file));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0)
    throw new Error(`Test files that are to begin first are not there: ${missing.join(", ")}`);
  const rank = (file) => files.indexOf(file) + 1 || files.length + 1;
  return (a, b) => rank(a) - rank(b);
}

export default {
  extensions: ["ts"],
  files: ["test/**/*.test.ts", "!test/**/*.long.test.ts"],
  require: [
    "./test/fixtures/no-source-maps.ts",
    "./test/fixtures/file-deadline.ts",
    "./test/fixtures/end-when-done.ts",
  ],
  // A session thread of a test lives for half a second, of which a tenth would be collections of a young generation that begins small.
  nodeArguments: ["--min-semi-space-size=8"],
  workerThreads: false,
  sortTestFiles: longestFirst([
    "k8s/haproxy.test.ts",
    "registry/supervisor.trials.test.ts",
    "providers/stream/call-connection.test.ts",
    "providers/stream/media.trials.test.ts",
    "http/access/api-keys.trials.test.ts",
    "http/sessions/events.test.ts",
    "runner/serve.trials.test.ts",
    "providers/stream/edge.test.ts",
    "supervisor/withstand/faults.trials.test.ts",
    "providers/browser/in-browser.trials.test.ts",
    "fleet/peers/frozen.test.ts",
    "providers/stream/official-client/official-client.test.ts",
    "runner/console/recording.test.ts",
  ]),
  environmentVariables: {
    // Each test file has a process of its own, which compiles what it imports: Node keeps the result for the next one, and for the
    // threads and processes that tests start. Absolute, since some of these have another working directory.
    NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compile"),
    // Traffic of tests stays on this machine.
    HTTP_PROXY: "",
    HTTPS_PROXY: "",
    NO_PROXY: "",
    http_proxy: "",
    https_proxy: "",
    no_proxy: "",
  },
  timeout: "60s",
  // More than cores: tests wait for threads, leases and sound.
  concurrency: 5,
};
