import { Call } from "greenroom/client";
import { useCallback, useEffect, useRef, useState } from "react";

const idle = {
  state: "idle",
  agentState: "listening",
  transcript: [],
  participants: [],
  muted: false,
  error: null,
};

/** A React hook: `const { state, transcript, start, end, sendText, mute, levels } = useCall({ url })`. */
export function useCall(options) {
  const [view, setView] = useState(idle);
  const call = useRef(null);

  // To be called in the handler of a click, since browsers let nothing sound before.
  const start = useCallback(async () => {
    void call.current?.end();
    const current = new Call(options);
    call.current = current;
    const show = () => {
      if (call.current !== current) return;
      const { state, agentState, transcript, participants, muted, ended } = current;
      setView({ state, agentState, transcript, participants, muted, error: ended?.error ?? null });
    };
    for (const name of ["state", "agentState", "transcript", "participants"]) current.on(name, show);
    await current.start().catch(() => undefined);
  }, [options]);

  const mute = useCallback((muted) => {
    call.current?.mute(muted);
    setView((before) => ({ ...before, muted }));
  }, []);

  useEffect(() => () => void call.current?.end(), []);

  return {
    ...view,
    start,
    mute,
    end: () => call.current?.end(),
    sendText: (text) => call.current?.sendText(text) ?? false,
    levels: () => call.current?.levels() ?? { microphone: 0, agent: 0 },
  };
}
