import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Shows a part of the page under a heading. */
export function Card({
  title,
  id,
  extra,
  className = "",
  children,
}: {
  title: string;
  id: string;
  extra?: ComponentChildren;
  className?: string;
  children: ComponentChildren;
}) {
  return (
    <section class={`card ${className}`} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {extra}
      </div>
      {children}
    </section>
  );
}

/** Shows a problem in words, which screen readers read at once. */
export function Problem({ children }: { children: ComponentChildren }) {
  return (
    <div class="problem" role="alert">
      {children}
    </div>
  );
}

/** Shows the state of a session, by word and colour. */
export function StatePill({ state }: { state: string }) {
  return <span class={`pill state-${state}`}>{state}</span>;
}

/** Returns the time, again and again. */
export function useTick(everyMs: number): number {
  const [at, setAt] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setAt(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return at;
}
