import { useRef } from "preact/hooks";
import { access } from "../data/api.ts";
import type { FeedState } from "../data/event-feed.ts";
import { fleetData, retryFleet, signIn } from "../data/fleet.ts";
import { fleetProblem } from "../data/problems.ts";
import { useStore } from "../data/store.ts";
import { Problem, useTick } from "./parts.tsx";

/** Shows the head of the page: whether it is connected, and as whom. */
export function Header() {
  const { feed, fleet } = useStore(fleetData);
  const { key, isAsked } = useStore(access);
  const replicas = fleet ? fleet.replicas.length + fleet.missing.length : 0;
  return (
    <header>
      <h1>
        <a href="#/">Greenroom</a> <span>operations</span>
      </h1>
      <p class={`feed feed-${feed.name}`} role="status">
        {statusText(feed, replicas)}
      </p>
      <nav aria-label="Pages">
        <a href="docs">API</a>
        {key !== null && !isAsked && (
          <button type="button" class="plain" onClick={() => signIn(null)}>
            Forget the key
          </button>
        )}
      </nav>
    </header>
  );
}

function statusText(feed: FeedState, replicas: number): string {
  if (feed.name === "connected") return replicas > 1 ? `Live, ${replicas} replicas` : "Live";
  if (feed.name === "connecting") return "Connecting …";
  if (feed.name === "paused") return "Paused";
  if (feed.name === "broken") return "Disconnected, trying again";
  return "Not connected";
}

/** Shows the trouble with the connection, and a way out of it. */
export function ConnectionProblem() {
  const { feed } = useStore(fleetData);
  const { key, isAsked } = useStore(access);
  const problem = fleetProblem(feed, key !== null);
  return (
    <>
      {problem && (
        <Problem>
          <p>{problem}</p>
          {feed.name === "broken" && <Retry againAt={feed.againAt} onRetry={retryFleet} />}
        </Problem>
      )}
      {isAsked && <SignIn />}
    </>
  );
}

/** Shows the time until the next try, and a button that does not wait for it. */
export function Retry({ againAt, onRetry }: { againAt: number; onRetry: () => void }) {
  const left = Math.max(0, Math.ceil((againAt - useTick(500)) / 1_000));
  return (
    <p>
      <span aria-hidden="true">Trying again in {left} s. What is shown is from before. </span>
      <button type="button" onClick={onRetry}>
        Try now
      </button>
    </p>
  );
}

function SignIn() {
  // Read when it is sent: what was just filled in may not have been shown yet.
  const key = useRef<HTMLInputElement>(null);
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        const text = key.current?.value ?? "";
        if (text !== "") signIn(text);
      }}
    >
      <label for="key">API key</label>
      <input id="key" type="password" autocomplete="off" required ref={key} />
      <button type="submit" class="main">
        Use this key
      </button>
      <p class="hint">It stays in this page's memory and is forgotten when the page is closed.</p>
    </form>
  );
}
