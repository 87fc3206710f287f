import test from "ava";
import { share } from "../../src/supervisor/monitor/vitals.ts";

test("the share of the event loop that is in use is one, although it is read from another thread", (t) => {
  t.deepEqual([-0.02, 0, 0.12345, 1, 1.01].map(share), [0, 0, 0.123, 1, 1]);
});
