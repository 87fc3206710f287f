import type { IncomingMessage } from "node:http";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type Koa from "koa";
import type { PeerNode } from "../../registry/registry.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { Arrivals } from "../../supervisor/succession/arrivals.ts";
import type { HandOverOffer, Successors, TakeOver } from "../../supervisor/succession/hand-over.ts";
import { readWholeBody } from "../http/body.ts";
import { isObject } from "../http/json.ts";
import { notesOf } from "../http/request-notes.ts";
import type { PeerQuestion, QuestionOrigin } from "./connection/peer-client.ts";
import { readJson } from "./connection/read-json.ts";

/** The longest time that a peer may take to have its agent in a call, in milliseconds. */
const prepareTimeoutMs = 16_000;
/** The longest time that a peer may take to take over, in milliseconds: one command of Redis, and a little. */
const takeOverTimeoutMs = 5_000;
/** The most bytes of a session that is handed over, compressed, and as JSON. */
const mostBytes = { packed: 2 ** 20, json: 4 * 2 ** 20 };

/** One step of a hand-over, as a peer is sent it. */
type Step =
  | { readonly step: "prepare"; readonly offer: HandOverOffer }
  | ({ readonly step: "take_over" } & TakeOver)
  | { readonly step: "give_up"; readonly sessionId: string };

/** The part of the peers that is needed to ask them. */
interface AskablePeers {
  canReach(peer: PeerNode): boolean;
  ask(peer: PeerNode, question: PeerQuestion, from: QuestionOrigin): Promise<IncomingMessage>;
}

/** Returns the way in which peers are asked to go on with sessions of this replica. */
export function successorsBy(peers: AskablePeers, mount: () => string): Successors {
  const ask = (
    peer: PeerNode,
    step: Step,
    answerTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<IncomingMessage> => {
    const body = zstdCompressSync(Buffer.from(JSON.stringify(step)));
    if (body.length > mostBytes.packed)
      throw new RangeError(`It takes ${body.length} bytes, which is too much`);
    const question: PeerQuestion = {
      method: "POST",
      target: `${mount()}/health`,
      mount: mount(),
      headers: ["Content-Type", "application/octet-stream"],
      body,
      answerTimeoutMs,
      signal,
    };
    return peers.ask(peer, question, { kind: "handed_over", ip: "", host: null });
  };
  return {
    reaches: (peer) => peers.canReach(peer),
    prepare: async (peer, offer, signal) => {
      try {
        const answer = await ask(peer, { step: "prepare", offer }, prepareTimeoutMs, signal);
        if (answer.statusCode !== 204) return new Error(await refusalOf(answer));
        answer.resume();
        return null;
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    },
    takeOver: async (peer, step) => {
      try {
        const { signal } = new AbortController();
        const asked = ask(peer, { step: "take_over", ...step }, takeOverTimeoutMs, signal);
        const { statusCode } = (await asked).resume();
        return statusCode === 204 ? true : statusCode === 409 ? false : null;
      } catch {
        // The peers count and log what goes wrong with them; who has the session is found out otherwise.
        return null;
      }
    },
    giveUp: async (peer, sessionId) => {
      try {
        const { signal } = new AbortController();
        (await ask(peer, { step: "give_up", sessionId }, takeOverTimeoutMs, signal)).resume();
      } catch {
        // The peer gives it up by itself soon.
      }
    },
  };
}

/** Resolves with the reason for which a peer does not go on with a session, as it says. Rejects where it cannot be read. */
async function refusalOf(answer: IncomingMessage): Promise<string> {
  const { statusCode } = answer;
  const { code, detail } = (await readJson(answer)) as { readonly code?: unknown; readonly detail?: unknown };
  return `It answered ${statusCode} ${code}: ${detail}`;
}

/** Takes a step of a hand-over from a peer, which has proved itself: 204 where it is done, 409 where the peer keeps the session. */
export async function answerHandOver(ctx: Koa.Context, arrivals: Arrivals): Promise<void> {
  const notes = notesOf(ctx);
  notes.quiet = true;
  notes.route = "hand_over";
  const step = readStep(await readWholeBody(ctx, notes.bodyHash, mostBytes.packed));
  if (step.step === "take_over") {
    ctx.status = (await arrivals.takeOver(step)) ? 204 : 409;
    return;
  }
  if (step.step === "give_up") {
    arrivals.giveUp(step.sessionId);
    ctx.status = 204;
    return;
  }
  const left = new AbortController();
  const leave = () => left.abort();
  ctx.res.once("close", leave);
  try {
    await arrivals.prepare(step.offer, left.signal);
    ctx.status = 204;
  } finally {
    ctx.res.off("close", leave);
  }
}

/** Reads a step. A peer wrote it: only another version of Greenroom can send another form. */
function readStep(packed: Buffer): Step {
  try {
    const json: unknown = JSON.parse(
      zstdDecompressSync(packed, { maxOutputLength: mostBytes.json }).toString(),
    );
    if (isObject(json) && json.step === "give_up" && typeof json.sessionId === "string")
      return json as unknown as Step;
    if (isObject(json) && json.step === "take_over" && typeof json.carried === "string")
      return json as unknown as Step;
    if (isObject(json) && json.step === "prepare" && isObject(json.offer)) return json as unknown as Step;
  } catch {
    // It is refused below.
  }
  throw new GreenroomError("BAD_REQUEST", "It is not a step of a hand-over");
}
