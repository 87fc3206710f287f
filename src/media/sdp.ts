/**
 * Returns a description as werift accepts it: without the peculiarities of SFUs that are built on Pion, and
 * without the end of candidates. After that end werift gives up once all its checks failed, although a local
 * relay may still be allocated.
 */
export function normalizeSdp(sdp: string): string {
  return sdp
    .split(/\r?\n/)
    .map((line) => line.trimEnd().replace(/^a=msid-semantic:(?=\S)/, "a=msid-semantic: "))
    .filter((line) => line !== "" && line !== "a=end-of-candidates")
    .map((line) => (line.startsWith("a=candidate:") ? line.replace(/ generation \d+/, "") : line))
    .map((line) => `${line}\r\n`)
    .join("");
}

/** Returns the sections of a description, with the track that each holds; null where it holds none. */
export function sectionsOf(sdp: string): { readonly mid: string; readonly trackId: string | null }[] {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .map((section) => ({
      mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? "",
      trackId: /^a=msid:\S+ (\S+)/m.exec(section)?.[1] ?? null,
    }));
}
