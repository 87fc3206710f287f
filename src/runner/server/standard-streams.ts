import { droppedLines } from "../../log/dropped-lines.ts";
import { droppedText, LineWriter } from "../../log/line-writer.ts";
import { outputDescriptor } from "../../log/output-descriptor.ts";

/** The most bytes that wait for a slow reader. */
const mostWaitingBytes = 2 ** 20;

/**
 * Makes everything that this process writes to its standard streams (greetings, help, the console of the user's code,
 * warnings of Node) follow the rules of log lines from here on. By default a terminal that was stopped would block the
 * process, and a closed pipe or a full volume would end it with an unhandled error.
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
