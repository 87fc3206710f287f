import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TranscriptEntry } from "../../../../../client/transcript.ts";
import { type EndReason, endReasons } from "../../../../../shared/end-reasons.ts";
import { access, serverNow } from "../data/api.ts";
import { sessionProblem } from "../data/problems.ts";
import { type SessionData, SessionWatch } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { ageText, bytesText, percentText, timeText, whoText } from "../data/words.ts";
import { Retry } from "./header.tsx";
import { Card, Problem, StatePill } from "./parts.tsx";
import { CloseButton, MessageForm } from "./session-actions.tsx";
import { Events, Metrics } from "./session-events.tsx";
import { latencyText, resumesText } from "./sessions-table.tsx";
import { Waterfall } from "./waterfall.tsx";

/** Shows one session: its words as they are said, its turns, events and metrics, and what can be done with it. */
export function SessionPage({ id }: { id: string }) {
  const { key } = useStore(access);
  // With another key it is asked for anew.
  const watch = useMemo(() => new SessionWatch(id), [id, key]);
  useEffect(() => () => watch.close(), [watch]);
  const data = useStore(watch.data);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const { session, feed, end, words, turns, events, metrics, hasGap } = data;
  const problem = sessionProblem(feed, key !== null);
  const isOver = end !== null || feed.name === "refused";
  const state = end ? "ended" : (session?.state ?? "");
  return (
    <article class="session" aria-labelledby="session-title">
      <div class="session-head">
        <a href="#/" class="back">
          All sessions
        </a>
        <h2 id="session-title" tabIndex={-1} ref={title}>
          {session?.call_id ?? "Session"}
        </h2>
        {state !== "" && <StatePill state={state} />}
        {!isOver && <CloseButton watch={watch} isClosing={state === "closing"} />}
      </div>
      {problem && (
        <Problem>
          <p>{problem}</p>
          {feed.name === "broken" && <Retry againAt={feed.againAt} onRetry={() => watch.tryNow()} />}
        </Problem>
      )}
      {end && <EndNotice end={end} />}
      <Facts id={id} data={data} />
      <div class="session-parts">
        <Card title="Transcript" id="words-title" className="transcript">
          <Words words={words} />
          {!isOver && <MessageForm watch={watch} isClosing={state === "closing"} />}
        </Card>
        <div class="session-side">
          <Card title="Turns" id="turns-title">
            <Waterfall turns={turns} />
          </Card>
          <Card title="Metrics" id="metrics-title">
            <Metrics metrics={metrics} />
          </Card>
          <Card title="Events" id="events-title">
            <Events events={events} hasGap={hasGap} />
          </Card>
        </div>
      </div>
    </article>
  );
}

function EndNotice({ end: { reason, error, at } }: { end: NonNullable<SessionData["end"]> }) {
  const isFault = endReasons[reason as EndReason]?.isFault ?? true;
  const [whole = ""] = (endReasons[reason as EndReason]?.text ?? "").replaceAll("`", "").split(/[.;] /);
  return (
    <p class={isFault ? "notice bad" : "notice"} role="status">
      Ended at {timeText(at)} as <b>{reason}</b>
      {whole && `: ${whole}`}.{error && ` ${error.message ?? error.code}`}
    </p>
  );
}

function Facts({ id, data: { session, cpu, end } }: { id: string; data: SessionData }) {
  const [at, setAt] = useState(serverNow());
  useEffect(() => {
    const timer = setInterval(() => setAt(serverNow()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const resources = end ? null : session?.resources;
  const until = end ? Date.parse(end.at) : at;
  return (
    <dl class="facts">
      <Fact name="Session" value={id} />
      {session && (
        <>
          <Fact name="Call type" value={session.call_type} />
          <Fact name="Who" value={whoText(session.created_by)} />
          <Fact name="Age" value={ageText(until - Date.parse(session.session_started_at))} />
          {resources && <Fact name="CPU" value={cpu === null ? "–" : `${percentText(cpu)} of a core`} />}
          {resources && (
            <Fact name="Memory" value={bytesText(resources.heap_bytes + resources.external_bytes)} />
          )}
          {session.role !== null && <Fact name="Role" value={session.role} />}
          {session.resumes > 0 && <Fact name="Resumed" value={resumesText(session.resumes)} />}
          <Fact name="Latency" value={latencyText({ ...session, cpu })} />
        </>
      )}
      {session?.config && Object.keys(session.config).length > 0 && (
        <div class="config">
          <dt>Config</dt>
          <dd>
            <details>
              <summary>As it was started with</summary>
              <pre>{JSON.stringify(session.config, null, 2)}</pre>
            </details>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Shows the words of a session. It stays at the end while nobody scrolls up. */
function Words({ words }: { words: readonly TranscriptEntry[] }) {
  const scroll = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const element = scroll.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [words]);
  return (
    <div
      ref={scroll}
      class="words"
      role="log"
      aria-live="polite"
      aria-labelledby="words-title"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls is to be reached by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      {words.length === 0 && <p class="hint empty">Nothing has been said yet.</p>}
      <ol>
        {words.map((entry, index) => (
          <li key={`${entry.id}/${index}`} class={entry.role}>
            <span class="soft">{entry.role === "agent" ? "Agent" : entry.participantId}</span>
            <p class={entry.final ? "" : "interim"}>{entry.text}</p>
          </li>
        ))}
      </ol>
    </div>
  );
}
