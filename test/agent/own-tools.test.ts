import test from "ava";
import { Agent, Tools } from "greenroom";
import * as local from "greenroom/local";
import { HostedAgent } from "../fixtures/agent-host.ts";
import { ScriptedLlm, script } from "../fixtures/scripted-llm.ts";

const named = (name: string) => ({ name, description: "", execute: () => name });

test("the model may call the functions of the agent and its own, as far as they are allowed", async (t) => {
  const llm = new ScriptedLlm();
  llm.registerFunction(named("of_the_model"));
  const tools = new Tools();
  tools.registerFunction(named("of_the_agent"));
  const hosted = await new HostedAgent({ llm, tools }).join();
  await hosted.agent.simpleResponse(script([{ call: "of_the_agent" }, { call: "of_the_model" }]));
  t.deepEqual(
    llm.requests[0]?.functions.map(({ name }) => name),
    ["of_the_model", "of_the_agent"],
  );
  const results = llm.requests[1]?.messages.at(-1);
  t.deepEqual(results?.role === "tools" && results.results.map(({ output }) => output), [
    "of_the_agent",
    "of_the_model",
  ]);

  const allowed = await new HostedAgent({ llm, tools, allowedTools: ["of_the_agent"] }).join();
  await allowed.agent.simpleResponse("Hello");
  t.deepEqual(
    llm.requests.at(-1)?.functions.map(({ name }) => name),
    ["of_the_agent"],
  );
});

test("a function that the model and the agent both have is a mistake", (t) => {
  const llm = new ScriptedLlm();
  llm.registerFunction(named("twice"));
  const tools = new Tools();
  tools.registerFunction(named("twice"));
  const options = { edge: new local.Edge(), agentUser: { id: "a", name: "" }, instructions: "", llm, tools };
  t.throws(() => new Agent(options), { message: 'A function named "twice" is registered already' });
});
