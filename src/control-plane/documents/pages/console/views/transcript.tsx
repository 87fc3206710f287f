import { useLayoutEffect, useRef } from "preact/hooks";
import type { TranscriptEntry } from "../../../../../client/transcript.ts";

/** Shows the words of a session. It stays at the end while nobody scrolls up. */
export function Words({ words }: { words: readonly TranscriptEntry[] }) {
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
