// The long form of the tests: `npm run test:long [-- part]`. What takes minutes on purpose has a file of its own, `….long.test.ts`.
// `….trials.test.ts` makes few trials in `npm test`, and many here.
import short from "./ava.config.js";

export default {
  ...short,
  files: ["test/**/*.{long,trials}.test.ts"],
  environmentVariables: { ...short.environmentVariables, TEST_FORM: "long" },
  timeout: "5m",
  // Images, browsers and fleets are many processes each.
  concurrency: 2,
};
