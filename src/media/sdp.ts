/**
 * A description as werift takes it: without the oddities of SFUs that are built on Pion, and without the word that no more
 * candidates will come. With that word werift gives up once all that it tried failed, though a relay of ours may be yet to come.
 */
export function tidy(sdp: string): string {
  return sdp
    .split(/\r?\n/)
    .map((line) => line.trimEnd().replace(/^a=msid-semantic:(?=\S)/, "a=msid-semantic: "))
    .filter((line) => line !== "" && line !== "a=end-of-candidates")
    .map((line) => (line.startsWith("a=candidate:") ? line.replace(/ generation \d+/, "") : line))
    .map((line) => `${line}\r\n`)
    .join("");
}

/** The sections of a description that hold a track: what names them, and the track. */
export function sectionsOf(sdp: string): { readonly mid: string; readonly trackId: string | null }[] {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .map((section) => ({
      mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? "",
      trackId: /^a=msid:\S+ (\S+)/m.exec(section)?.[1] ?? null,
    }));
}
