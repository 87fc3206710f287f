import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { liveStates } from "../../../../../shared/protocol.ts";
import { serverNow } from "../data/api.ts";
import { refusalText } from "../data/problems.ts";
import { noQuery, pageSize, SessionList, type SessionRow, type SessionsQuery } from "../data/sessions.ts";
import { useStore } from "../data/store.ts";
import { ageText, bytesText, countText, msText, percentText, whoText } from "../data/words.ts";
import { Card, Problem, StatePill } from "./parts.tsx";

/** Shows the live sessions that may be viewed, of all replicas, page by page. */
export function SessionsTable({ total }: { total: number | null }) {
  const list = useMemo(() => new SessionList(), []);
  useEffect(() => () => list.close(), [list]);
  const [query, setQuery] = useState<SessionsQuery>(noQuery);
  const { rows, nextCursor, missing, error } = useStore(list.data);
  const go = (next: SessionsQuery) => {
    setQuery(next);
    list.ask(next);
  };
  const first = query.cursors.length * pageSize;
  const isPaged = nextCursor !== null || first > 0;
  return (
    <Card
      title="Sessions"
      id="sessions-title"
      extra={<Filter query={query} onChange={go} />}
      className="sessions"
    >
      {error && error.status !== 401 && <Problem>{refusalText(error, "list")}</Problem>}
      {missing.length > 0 && (
        <Problem>Sessions of replicas that do not answer are missing: {missing.join(", ")}.</Problem>
      )}
      {rows && rows.length > 0 && <Table rows={rows} />}
      {rows?.length === 0 && <p class="hint empty">{emptyText(query)}</p>}
      {rows && (rows.length > 0 || first > 0) && (
        <nav class="paging" aria-label="Pages of sessions">
          <p class="hint">{placeText(first, rows.length, query, isPaged ? total : null)}</p>
          {first > 0 && (
            <button type="button" onClick={() => go({ ...query, cursors: query.cursors.slice(0, -1) })}>
              Page before
            </button>
          )}
          {nextCursor !== null && (
            <button type="button" onClick={() => go({ ...query, cursors: [...query.cursors, nextCursor] })}>
              Next page
            </button>
          )}
        </nav>
      )}
    </Card>
  );
}

function emptyText({ state, callId, cursors }: SessionsQuery): string {
  if (cursors.length > 0) return "There are no sessions on this page any more.";
  if (state || callId) return "No session that you may view is like this.";
  return "There is no session that you may view.";
}

function placeText(
  first: number,
  shown: number,
  { state, callId }: SessionsQuery,
  total: number | null,
): string {
  const range = shown === 0 ? "None" : `${countText(first + 1)} to ${countText(first + shown)}`;
  if (total === null || state || callId) return `${range}, the newest first.`;
  return `${range} of ${countText(Math.max(total, first + shown))}, the newest first.`;
}

function Filter({ query, onChange }: { query: SessionsQuery; onChange: (query: SessionsQuery) => void }) {
  const callId = useRef<HTMLInputElement>(null);
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ ...query, callId: callId.current?.value.trim() ?? "", cursors: [] });
      }}
    >
      <label class="unseen" for="state-filter">
        State
      </label>
      <select
        id="state-filter"
        value={query.state}
        onChange={(event) => onChange({ ...query, state: event.currentTarget.value, cursors: [] })}
      >
        <option value="">Every state</option>
        {liveStates.map((state) => (
          <option key={state} value={state}>
            {state}
          </option>
        ))}
      </select>
      <label class="unseen" for="call-filter">
        Call id
      </label>
      <input id="call-filter" type="search" placeholder="Call id" maxLength={255} ref={callId} />
      <button type="submit">Find</button>
    </form>
  );
}

function Table({ rows }: { rows: readonly SessionRow[] }) {
  const at = serverNow();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls is to be reached by keyboard
    <section class="scroll" aria-label="Sessions, the newest first" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Call</th>
            <th scope="col" class="number">
              Age
            </th>
            <th scope="col" class="wide">
              Who
            </th>
            <th scope="col" class="number wide">
              CPU
            </th>
            <th scope="col" class="number wide">
              Memory
            </th>
            <th scope="col" class="number wide">
              Resumed
            </th>
            <th scope="col" class="number">
              Latency
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.session_id} row={row} at={at} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ row, at }: { row: SessionRow; at: number }) {
  const { session_id: id, call_id: callId, call_type: callType, resources, cpu } = row;
  return (
    <tr>
      <td>
        <StatePill state={row.state} />
      </td>
      <td class="call">
        <a href={`#/sessions/${id}`}>{callType === "default" ? callId : `${callType}:${callId}`}</a>
      </td>
      <td class="number">{ageText(at - Date.parse(row.session_started_at))}</td>
      <td class="wide who">{whoText(row.created_by)}</td>
      <td class="number wide">{cpu === null ? "–" : percentText(cpu)}</td>
      <td class="number wide">
        {resources ? bytesText(resources.heap_bytes + resources.external_bytes) : "–"}
      </td>
      <td class="number wide">{resumesText(row.resumes)}</td>
      <td class="number">{latencyText(row)}</td>
    </tr>
  );
}

/** Returns how often another thread took up the call. */
export const resumesText = (resumes: number): string =>
  resumes === 0 ? "–" : resumes === 1 ? "once" : `${countText(resumes)} times`;

/** Returns the last latency: of the answer where somebody spoke, and else of the model. */
export function latencyText({
  last_latency: { response_ms: response, first_token_ms: firstToken },
}: SessionRow) {
  if (response !== null) return msText(response);
  if (firstToken === null) return "–";
  return (
    <>
      <span class="soft">text </span>
      {msText(firstToken)}
    </>
  );
}
