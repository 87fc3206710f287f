import type { IncomingMessage, ServerResponse } from "node:http";
import { ErrorCode, PeerType, TrackType } from "../../../../src/providers/stream/wire/enums.ts";
import { Empty, signalServer, signalServerPath } from "../../../../src/providers/stream/wire/messages.ts";
import {
  decode,
  encode,
  type MessageFields,
  type MessageType,
  type MessageValue,
} from "../../../../src/providers/stream/wire/protobuf.ts";
import { readToken } from "../coordinator/token.ts";
import type { Edge } from "./edge.ts";
import type { EdgeConnection } from "./edge-connection.ts";
import { fromJson, toJson } from "./proto-json.ts";

type SignalMethod = keyof typeof signalServer;
type SignalRequest<M extends SignalMethod> = MessageValue<(typeof signalServer)[M][0]>;

/** The methods that have no effect here. */
const ignored = new Set(["SendStats", "SendMetrics", "StartNoiseCancellation", "StopNoiseCancellation"]);

/** Answers a request to an SFU, in its own format: JSON or protobuf. */
export async function answerTwirp(
  edge: Edge,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  body: Buffer,
): Promise<void> {
  const { world } = edge;
  const [service, method = ""] = path.split("/");
  const json = (request.headers["content-type"] ?? "").startsWith("application/json");
  const refuse = (status: number, code: string, msg: string) => {
    world.log.add("rpc_refused", { edge: edge.name, method, status });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ code, msg }));
  };
  const known = method in signalServer;
  if (service !== signalServerPath || !(known || ignored.has(method))) return refuse(404, "bad_route", path);
  const [input, output] = known ? signalServer[method as SignalMethod] : [Empty, Empty];
  const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const claims = readToken(token, world.apiSecret, world.now());
  if (typeof claims === "string") return refuse(401, "unauthenticated", `token: ${claims}`);

  const unknown: string[] = [];
  let asked: Fill;
  try {
    asked = (
      json
        ? fromJson(input as MessageType<MessageFields>, JSON.parse(body.toString()), unknown)
        : decode(input as MessageType<MessageFields>, body)
    ) as Fill;
  } catch (error) {
    return refuse(400, "malformed", (error as Error).message);
  }
  const connection = edge.connections.get(asked.sessionId ?? "");
  const encoding = json ? "json" : "protobuf";
  const { userId: user } = connection?.participant ?? {};
  const told = { edge: edge.name, user, session: asked.sessionId, method, encoding, request: asked, unknown };
  world.log.add("rpc", json ? told : { ...told, bytes: new Uint8Array(body) });

  const fault = world.faults.takeRpc(method);
  if (fault.hangs) return;
  if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault.status !== undefined) return refuse(fault.status, "unavailable", fault.message ?? "by a test");
  const answer = await (async () => {
    if (fault.code !== undefined) {
      const { code, message = "refused by a test", shouldRetry = false } = fault;
      return { error: { code, message, shouldRetry } };
    }
    if (!known) return {};
    return connection ? perform(connection, method as SignalMethod, asked) : notFound;
  })();
  if (response.destroyed) return;
  response.writeHead(200, { "content-type": `application/${encoding}` });
  if (fault.garbage) response.end("\xff\xff no message");
  else if (json) response.end(JSON.stringify(toJson(output as MessageType<MessageFields>, answer)));
  else response.end(encode(output as MessageType<MessageFields>, answer as object));
}

type Fill = { readonly sessionId?: string };

const refusal = (code: number, message: string) => ({ error: { code, message, shouldRetry: false } });
const notFound = refusal(ErrorCode.PARTICIPANT_NOT_FOUND, "participant not found");
const denied = refusal(ErrorCode.PERMISSION_DENIED, "may not publish audio");
const transportFailed = refusal(
  ErrorCode.PARTICIPANT_MEDIA_TRANSPORT_FAILURE,
  "the media transport has failed",
);

async function perform(connection: EdgeConnection, method: SignalMethod, asked: Fill): Promise<object> {
  switch (method) {
    case "SetPublisher":
      return connection.publisher.negotiate(asked as SignalRequest<"SetPublisher">);
    case "SendAnswer": {
      const { negotiationId, sdp } = asked as SignalRequest<"SendAnswer">;
      if (!connection.subscriber.answer(negotiationId, sdp))
        connection.log("answer_ignored", { negotiationId });
      return {};
    }
    case "IceTrickle": {
      const { peerType, iceCandidate } = asked as SignalRequest<"IceTrickle">;
      const peer = peerType === PeerType.SUBSCRIBER ? connection.subscriber : connection.publisher;
      try {
        await peer.addCandidate(iceCandidate);
      } catch (error) {
        connection.log("candidate_ignored", { iceCandidate, message: (error as Error).message });
      }
      return {};
    }
    case "UpdateSubscriptions":
      connection.subscriber.wanted = (asked as SignalRequest<"UpdateSubscriptions">).tracks;
      connection.subscriber.reconcile();
      return {};
    case "UpdateMuteStates":
      for (const { trackType, muted } of (asked as SignalRequest<"UpdateMuteStates">).muteStates) {
        if (!muted && trackType === TrackType.AUDIO && !connection.participant.grants.canPublishAudio)
          return denied;
        connection.participant.setMuted(trackType, muted);
      }
      return {};
    case "IceRestart": {
      const { peerType } = asked as SignalRequest<"IceRestart">;
      if (peerType !== PeerType.SUBSCRIBER) connection.participant.restartIce("publisher");
      else if (connection.subscriber.usable) connection.subscriber.offer(true);
      else return transportFailed;
      return {};
    }
    default:
      return method satisfies never;
  }
}
