import { droppedLines } from "../../log/dropped-lines.ts";
import { droppedText, LineWriter } from "../../log/line-writer.ts";
import { outputDescriptor } from "../../log/output-descriptor.ts";

/** The most that waits for a reader that is slow, in bytes. */
const mostWaitingBytes = 2 ** 20;

/**
 * Makes all that this process writes to its standard streams (greetings, help, the console of the user's code, warnings of
 * Node) follow the rules of log lines from here on. Left alone, a terminal that was stopped would stop the process, and a
 * reader that has gone, or a full volume, would end it with an error that nobody handles.
 */
export function boundStandardStreams(): void {
  bound(process.stdout, 1);
  bound(process.stderr, 2);
}

function bound(stream: NodeJS.WriteStream, fd: 1 | 2): void {
  const writer = new LineWriter(outputDescriptor(fd), {
    maxBytes: mostWaitingBytes,
    dropped: droppedLines,
    onFlowing: (lines) => writer.write(Buffer.from(`greenroom: ${droppedText(lines)}\n`)),
  });
  stream.on("error", () => undefined);
  stream.write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    const given = typeof encoding === "string" ? encoding : undefined;
    writer.write(typeof chunk === "string" ? Buffer.from(chunk, given) : Uint8Array.from(chunk));
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback !== undefined) queueMicrotask(() => callback());
    return true;
  };
}
