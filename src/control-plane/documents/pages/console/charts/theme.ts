import { useEffect, useState } from "preact/hooks";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The colours of the style sheet, for what is drawn on a canvas. */
export const theme = {
  /** Returns a value that changes with the colours. */
  use(): boolean {
    const [isDark, setDark] = useState(dark.matches);
    useEffect(() => {
      const changed = () => setDark(dark.matches);
      dark.addEventListener("change", changed);
      return () => dark.removeEventListener("change", changed);
    }, []);
    return isDark;
  },
  colour: (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim(),
};
