import { connect } from "node:net";
import { type RawRequest, sessionMark } from "./raw-request.ts";

/** The answer to a request. */
export interface RawAnswer {
  /** The last status; null: the connection was closed without one. */
  readonly status: number | null;
  /** The flaw of the answer; null: there is none. */
  readonly flaw: string | null;
}

/** A whole request that has no answer after so many milliseconds, or a connection that does not end then, hangs. */
export const hangMs = 20_000;
/** A part of a request is given up after so many milliseconds. */
const patienceMs = 250;

/** Sends a request over a connection of its own, and judges what comes back. Never rejects. */
export async function exchange(port: number, request: RawRequest, sessionId: string): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  const socket = connect(port, "127.0.0.1");
  let said = "";
  const hang = setTimeout(() => finish(`it hangs: no end after ${hangMs} ms`), hangMs);
  const giveUp = request.isWhole ? undefined : setTimeout(() => socket.end(), patienceMs);
  const finish = (flaw: string | null) => {
    clearTimeout(hang);
    clearTimeout(giveUp);
    socket.destroy();
    resolve(judged(said, request, flaw));
  };
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") finish("nobody listens any more");
  });
  socket.setEncoding("latin1").on("data", (text: string) => {
    said += text;
    // It goes on for as long as the session does.
    if (/^content-type: text\/event-stream/im.test(said)) finish(null);
  });
  socket.on("close", () => finish(null));
  socket.write(withSession(request.bytes, sessionId));
  return promise;
}

function judged(said: string, { isWhole }: RawRequest, flaw: string | null): RawAnswer {
  const statuses = [...said.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  const status = statuses.at(-1) ?? null;
  const serverError = statuses.find((one) => one >= 500);
  if (flaw !== null) return { status, flaw };
  if (serverError !== undefined) return { status, flaw: `status ${serverError}: ${said.slice(0, 500)}` };
  if (isWhole && status === null) return { status, flaw: "it was not answered" };
  return { status, flaw: null };
}

function withSession(bytes: Buffer, sessionId: string): Buffer {
  const at = bytes.indexOf(sessionMark);
  if (at < 0) return bytes;
  const rest = bytes.subarray(at + sessionMark.length);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(sessionId), rest]);
}
