import test, { type ExecutionContext } from "ava";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

/** An agent of text in its call, whose model hears and speaks by itself. */
async function inCall(t: ExecutionContext, llm: testing.RealtimeModel, before: string | null = null) {
  let state = "";
  const heard = { turnId: "", text: "" };
  const hosted = new HostedAgent(
    { llm },
    {
      state: (told) => {
        state = told ?? "";
      },
      resumption:
        before === null ? null : { reason: "crashed", times: 1, state: before, heard, rests: false },
    },
  );
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  return {
    hosted,
    says: (text: string) => eventually(text, () => hosted.said.includes(text)),
    state: () => state,
  };
}

const history = (session: testing.RealtimeSession) =>
  session.history.map(({ role, text }) => `${role}: ${text}`);

test("a model goes on with its own session by the handle, and is told the conversation as well", async (t) => {
  const before = await inCall(t, new testing.RealtimeModel({ handles: true }));
  before.hosted.type("hello");
  await before.says("You said: hello");
  const llm = new testing.RealtimeModel();
  const after = await inCall(t, llm, before.state());
  after.hosted.type("again");
  await after.says("You said: again");
  const { opened, ...session } = await llm.session();
  t.is(opened.handle, "session_1");
  t.true(opened.messages.length >= 2, JSON.stringify(session));
});

test("where the handle is refused the model is shown the conversation alone", async (t) => {
  const before = await inCall(t, new testing.RealtimeModel({ handles: true }));
  before.hosted.type("hello");
  await before.says("You said: hello");
  const llm = new testing.RealtimeModel({ failures: [new Error("no such session")] });
  const after = await inCall(t, llm, before.state());
  after.hosted.type("again");
  await after.says("You said: again");
  const session = await llm.session();
  t.is(session.opened.handle, undefined);
  t.deepEqual(history(session), [
    "user: hello",
    "model: You said: hello",
    "user: again",
    "model: You said: again",
  ]);
});

test("a question that is owed is asked again, by a model without handles", async (t) => {
  const before = await inCall(t, new testing.RealtimeModel({ replies: [[{ hang: true }]] }));
  before.hosted.type("hello");
  await eventually("the question is told", () => before.state().includes("hello"));
  const llm = new testing.RealtimeModel();
  const after = await inCall(t, llm, before.state());
  await after.says("You said: hello");
  t.is((await llm.session()).opened.handle, undefined);
});

test("a question whose tool had acted is answered with the tool's result", async (t) => {
  const replies = [[{ call: "charge" }, { hang: true }]] as const;
  const llm = new testing.RealtimeModel({ replies });
  llm.registerFunction({ name: "charge", description: "", execute: () => "charged once" });
  const before = await inCall(t, llm);
  before.hosted.type("pay");
  await eventually("the result is told", () => before.state().includes("charged once"));
  const next = new testing.RealtimeModel({ replies: ["Paid."] });
  const after = await inCall(t, next, before.state());
  await after.says("Paid.");
  const session = await next.session();
  t.like(session.requests[0], { message: { role: "instruction", text: "Answer what was said last." } });
  t.true(history(session).includes("user: pay"));
});
