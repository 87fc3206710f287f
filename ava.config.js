// The short form of the tests: `npm test [-- part]`.
import { join } from "node:path";

export default {
  extensions: ["ts"],
  files: ["test/**/*.test.ts", "!test/**/*.long.test.ts"],
  require: ["./test/fixtures/no-source-maps.ts"],
  workerThreads: false,
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
  concurrency: 4,
};
