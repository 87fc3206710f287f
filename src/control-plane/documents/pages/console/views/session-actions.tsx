import { useRef, useState } from "preact/hooks";
import { ApiError } from "../data/api.ts";
import { refusalText } from "../data/problems.ts";
import type { SessionWatch } from "../data/session.ts";
import { Problem } from "./parts.tsx";

/** Returns an action that says by itself why it was refused. */
function useAction(what: "message" | "close") {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (action: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    setProblem(null);
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(refusalText(error, what));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, problem, run };
}

/** Closes the session, when it was pressed twice. */
export function CloseButton({ watch, isClosing }: { watch: SessionWatch; isClosing: boolean }) {
  const [isSure, setSure] = useState(false);
  const { isBusy, problem, run } = useAction("close");
  if (isClosing) return null;
  return (
    <div class="close">
      {isSure ? (
        <>
          <span>The call ends for everybody in it.</span>
          <button
            type="button"
            class="danger"
            disabled={isBusy}
            // The focus was on the button that this one has replaced.
            ref={(button) => button?.focus()}
            onClick={async () => {
              await run(() => watch.end());
              setSure(false);
            }}
          >
            Close it
          </button>
          <button type="button" onClick={() => setSure(false)}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" class="danger" onClick={() => setSure(true)}>
          Close the session
        </button>
      )}
      {problem && <Problem>{problem}</Problem>}
    </div>
  );
}

/** Says something to the agent in text, as a participant of the call. */
export function MessageForm({ watch, isClosing }: { watch: SessionWatch; isClosing: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const { isBusy, problem, run } = useAction("message");
  return (
    <form
      class="message"
      onSubmit={async (event) => {
        event.preventDefault();
        const text = input.current?.value ?? "";
        const isSent = text.trim() !== "" && (await run(() => watch.send(text)));
        if (isSent && input.current?.value === text) input.current.value = "";
      }}
    >
      <label for="message">Say something to the agent, as a participant</label>
      <div>
        <input id="message" autocomplete="off" maxLength={8_192} ref={input} />
        <button type="submit" class="main" disabled={isBusy || isClosing}>
          Send
        </button>
      </div>
      <p class="hint">It interrupts the agent while it speaks.</p>
      {problem && <Problem>{problem}</Problem>}
    </form>
  );
}
