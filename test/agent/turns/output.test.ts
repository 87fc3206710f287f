import test from "ava";
import { TextOutput } from "../../../src/agent/speaking/text-output.ts";

test("what is cut before it was sent is neither sent later nor counted as heard", async (t) => {
  const sent: string[] = [];
  const output = new TextOutput((piece) => sent.push(piece));
  output.write("first ");
  output.write("second");
  output.cut();
  await output.finish();
  t.deepEqual(sent, ["first "]);
  t.is(output.heard, "first ");
});

test("pieces that come close together are sent as one", async (t) => {
  const sent: string[] = [];
  const output = new TextOutput((piece) => sent.push(piece));
  for (const piece of ["one ", "two ", "three"]) output.write(piece);
  await output.finish();
  t.deepEqual(sent, ["one ", "two three"]);
  t.is(output.heard, "one two three");
});
