import {
  type AcceptedSocket,
  type Call,
  type CallRequest,
  type Connection,
  type Edge as EdgeInterface,
  EdgeRefusal,
  type JoinRequest,
  type OfferRequest,
  type SocketRequest,
} from "../../agent/edge.ts";
import { sharedThreads } from "../../agent/thread/shared-threads.ts";
import { MediaPortClient } from "../../media/port/media-port-client.ts";
import { loadWerift } from "../../media/werift.ts";
import type { Guest, JsonObject } from "../../shared/protocol.ts";
import type { CallRoom } from "./call/call-room.ts";
import type { Member } from "./call/member.ts";
import { BrowserConnection } from "./connection.ts";
import { type BrowserOptions, type FilledOptions, fillOptions } from "./options.ts";
import { type ClientOffer, readOffer } from "./web-rtc/offer.ts";
import { WebRtcClient } from "./web-rtc/web-rtc-client.ts";
import { SocketClient } from "./web-socket/socket-client.ts";

/** The number of connections of a call that may be opening at once; more than its participants, since some of them fail. */
const mostConnecting = 32;

/**
 * The edge for calls that people join from a browser, straight to the agent: by WebRTC (`POST /sessions/{id}/offer`), or by WebSocket
 * where UDP does not pass (`GET /sessions/{id}/media`). `greenroom/client` chooses by itself.
 */
export class Edge implements EdgeInterface {
  readonly provider = "browser";
  readonly rejoins = true;
  readonly #options: FilledOptions;
  /** The open WebRTC connections, by the name of their resource. */
  readonly #connecting = new Map<string, WebRtcClient>();
  /** The media port of the process; null where there is none. */
  readonly #mediaPort: MediaPortClient | null;
  /** The number of offers that are being answered. */
  #answering = 0;
  #connection: BrowserConnection | null = null;

  /** Throws a `TypeError` where an option is wrong. */
  constructor(options: BrowserOptions = {}) {
    this.#options = fillOptions(options);
    const { mediaPort } = sharedThreads();
    this.#mediaPort = mediaPort && new MediaPortClient(mediaPort);
  }

  /** Rejects where packets cannot be taken at the media port. */
  async warm(): Promise<void> {
    if (this.#options.webRtc) await this.#mediaPort?.listen(this.#options.address);
  }

  async createCall({ callType, callId }: CallRequest): Promise<Call> {
    return { callType, callId };
  }

  async join(_call: Call, request: JoinRequest): Promise<Connection> {
    request.signal.throwIfAborted();
    this.#connection = new BrowserConnection(request, this.#options);
    return this.#connection;
  }

  /**
   * Answers `{ type: "offer", sdp, resume? }` with `{ type: "answer", sdp, resource }`. `{ type: "leave", resource }` ends what an offer
   * began, and `{ type: "check", resource }` asks whether it goes on. The client becomes a participant when it is connected.
   */
  async offer(_call: Call, { guest, offer, signal }: OfferRequest): Promise<JsonObject> {
    const room = this.#room;
    if (offer.type === "leave") return this.#leave(offer.resource);
    if (offer.type === "check") return this.#check(offer.resource);
    if (offer.type !== "offer") throw new EdgeRefusal('The offer must be { type: "offer", sdp }');
    if (!this.#options.webRtc) throw new EdgeRefusal("This agent takes no WebRTC: connect by WebSocket");
    const { resume = null } = offer;
    if (resume !== null && typeof resume !== "string") throw new EdgeRefusal("resume must be a text");
    const read = readOffer(offer.sdp);
    room.checkRoom(guest);
    if (this.#connecting.size + this.#answering >= mostConnecting)
      throw new EdgeRefusal("Too many connections to this call are being made");
    this.#answering += 1;
    const answer = this.#answer(room, guest, read, resume).finally(() => {
      this.#answering -= 1;
    });
    const { client, sdp, resource } = await answer;
    if (signal.aborted) {
      await client.close("left", "nobody waits for the answer");
      throw signal.reason;
    }
    return { type: "answer", sdp, resource };
  }

  /** Accepts a client with the subprotocol `greenroom.v1`. It rejects with an {@link EdgeRefusal}. */
  async accept(_call: Call, { guest, protocols, stream, signal }: SocketRequest): Promise<AcceptedSocket> {
    const room = this.#room;
    if (!protocols.includes(SocketClient.protocol))
      throw new EdgeRefusal(`The subprotocol has to be ${SocketClient.protocol}`);
    room.checkRoom(guest);
    let member: Member | null = null;
    const client = await SocketClient.open(stream, {
      onHello: ({ resume }) => {
        member = room.enter(guest, client, resume);
        if (member === null) void client.close("call_ended", "full");
        else room.greet(member);
      },
      onMessage: (text) => {
        if (member !== null) room.take(member, text);
      },
      onEnd: (end) => {
        if (member !== null) room.drop(member, end);
        else void client.close(end, end);
      },
    });
    if (signal.aborted) await client.close("call_ended", "finished");
    signal.throwIfAborted();
    return { protocol: SocketClient.protocol };
  }

  async close(): Promise<void> {
    const clients = [...this.#connecting.values()];
    await Promise.all(clients.map((client) => client.close("call_ended", "finished")));
    await this.#connection?.leave();
    this.#mediaPort?.close();
  }

  get #room(): CallRoom {
    if (this.#connection === null) throw new EdgeRefusal("The agent is not in the call");
    return this.#connection.room;
  }

  async #answer(room: CallRoom, guest: Guest, offer: ClientOffer, resume: string | null) {
    const resource = crypto.randomUUID();
    let member: Member | null = null;
    let open = false;
    const over = () => {
      this.#connecting.delete(resource);
    };
    const network = { werift: await loadWerift(), options: this.#options, mediaPort: this.#mediaPort };
    const { client, sdp } = await WebRtcClient.answer(network, offer, {
      onConnected: () => {
        member = room.enter(guest, client, resume);
        if (member === null) {
          over();
          void client.close("call_ended", "full");
        } else if (open) room.greet(member);
      },
      onOpen: () => {
        open = true;
        if (member !== null) room.greet(member);
      },
      onMessage: (text) => {
        if (member !== null) room.take(member, text);
      },
      onEnd: (end) => {
        over();
        if (member !== null) room.drop(member, end);
        else void client.close(end, end);
      },
    });
    this.#connecting.set(resource, client);
    client.onClosed = over;
    return { client, sdp, resource };
  }

  async #leave(resource: unknown): Promise<JsonObject> {
    this.#connected(resource).leave();
    return { type: "left" };
  }

  async #check(resource: unknown): Promise<JsonObject> {
    this.#connected(resource);
    return { type: "connected" };
  }

  #connected(resource: unknown): WebRtcClient {
    const client = typeof resource === "string" ? this.#connecting.get(resource) : undefined;
    if (client === undefined) throw new EdgeRefusal("There is no such connection");
    return client;
  }
}
