import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { root } from "../../scripts/docs.ts";
import { bin, Child } from "../fixtures/runner/child.ts";

/** The blocks of shell in a page that talk to the server of `npm start`. */
const commandsOf = (page: string) =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .map(([, text = ""]) => text)
    .filter((text) => text.includes("localhost:8000/sessions"));

test("what the pages send to a server works as they say", async (t) => {
  const server = new Child(t, [bin, "serve", "--port", "0"]);
  const address = new URL(await server.readyUrl()).host;
  const answers = [];
  for (const page of ["README.md", "docs/getting-started.md"]) {
    for (const commands of commandsOf(page)) {
      const shell = new Child(t, ["-ec", commands.replaceAll("localhost:8000", address)], { command: "sh" });
      t.is((await shell.exit).code, 0, shell.stderr);
      answers.push(shell.stdout);
    }
  }
  t.is(answers.length, 2);
  t.is(typeof JSON.parse(answers[0]!).session_id, "string");
  t.regex(answers[1]!, /"final":true.*Paris/);
});
