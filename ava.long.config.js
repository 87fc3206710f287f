// The long form of the tests: `npm run test:long [-- part]`. What takes minutes on purpose has a file of its own, `….long.test.ts`.
// `….trials.test.ts` makes few trials in `npm test`, and many here.
import short, { longestFirst } from "./ava.config.js";

export default {
  ...short,
  files: ["test/**/*.{long,trials}.test.ts"],
  environmentVariables: { ...short.environmentVariables, TEST_FORM: "long" },
  sortTestFiles: longestFirst([
    "providers/stream/reconnect.long.test.ts",
    "supervisor/withstand/churn.long.test.ts",
    "fleet/balanced/ends.long.test.ts",
    "agent/voice/whole-call.long.test.ts",
    "package/package.long.test.ts",
    "providers/stream/leave-on-behalf.trials.test.ts",
  ]),
  timeout: "5m",
  // Images, browsers and fleets are many processes each.
  concurrency: 2,
};
