import type { SessionData, SessionEvent, ToldEvent } from "../data/session.ts";
import { msText, timeText } from "../data/words.ts";

/** Shows the events of a session besides its words, the newest first. */
export function Events({ events, hasGap }: { events: readonly ToldEvent[]; hasGap: boolean }) {
  const shown = events.filter(({ event }) => event.type !== "metrics").reverse();
  if (shown.length === 0) return <p class="hint empty">Nothing has happened yet.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls is to be reached by keyboard
    <section class="event-list" aria-label="Events, the newest first" tabIndex={0}>
      <ol>
        {shown.map(({ key, event }) => (
          <li key={key}>
            <span class="soft">{"at" in event ? timeText(event.at) : ""}</span> <b>{event.type}</b>{" "}
            {textOf(event)}
          </li>
        ))}
      </ol>
      {hasGap && <p class="hint">What happened before is kept no more.</p>}
    </section>
  );
}

function textOf(event: SessionEvent): string {
  switch (event.type) {
    case "state":
      return event.state;
    case "turn":
      return `${event.outcome} after ${msText(event.duration_ms)}`;
    case "tool":
      return `${event.name} ${event.ok ? "done" : `failed (${event.error ?? "unknown"})`} after ${msText(event.duration_ms)}`;
    case "user_silent":
      return `for ${msText(event.silent_ms)}`;
    case "participant_unheard":
      return `${event.participant_id}: ${event.error.message ?? event.error.code}`;
    case "participant_heard":
      return event.participant_id;
    case "blocked":
      return `${event.stage === "heard" ? "words of a participant" : "the rest of an answer"}, by ${event.guard}: ${event.reason}`;
    case "role":
      return `${event.role ?? "its own"}, by ${event.by}`;
    case "resumed":
      return `in another thread, ${event.times} so far`;
    case "interrupted":
    case "end":
      return event.error ? `${event.reason}: ${event.error.message ?? event.error.code}` : event.reason;
    case "gap":
      return `events ${event.last_event_id} to ${event.next_event_id} are kept no more`;
    case "transcript":
    case "metrics":
      return "";
  }
}

/** Shows the metrics of a session that have values. */
export function Metrics({ metrics }: { metrics: SessionData["metrics"] }) {
  const rows = Object.entries(metrics ?? {}).filter(([, value]) => value !== null && value !== 0);
  if (rows.length === 0)
    return <p class="hint empty">Nothing has been measured yet, or you may not see it.</p>;
  return (
    <table class="figures">
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{metricName(name)}</th>
            <td class="number">{metricValue(name, value ?? 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Returns `llm_latency_ms__avg` as `llm latency, average`. */
function metricName(name: string): string {
  const [what = name, kind = ""] = name.split("__");
  return `${what.replace(/_ms$/, "").replaceAll("_", " ")}${kind === "avg" ? ", average" : ""}`;
}

const metricValue = (name: string, value: number): string =>
  /_ms(__|$)/.test(name) ? msText(value) : new Intl.NumberFormat("en").format(value);
