import type { MediaStreamTrack, RTCPeerConnection } from "werift";
import { frameLength } from "../../audio/pcm.ts";
import { OpusEncoder } from "../../audio/reception/opus.ts";
import { loadWerift } from "../../media/werift.ts";
import type { Werift } from "../../media/werift-parts.ts";
import { within } from "../../shared/deadline.ts";
import { CallRoom } from "./call/call-room.ts";
import { heardRate, spokenRate } from "./call/client.ts";
import { fillOptions } from "./options.ts";
import { configOf } from "./web-rtc/network.ts";
import { readOffer } from "./web-rtc/offer.ts";
import { WebRtcClient } from "./web-rtc/web-rtc-client.ts";

/** The longest time that the call to itself may take, in milliseconds. */
const deadlineMs = 3_000;
/** Frames that go each way. */
const frames = 10;
const opusPayloadType = 111;

/**
 * Loads what a call needs, and makes a short call from this thread to itself: its code is then compiled before somebody waits for it.
 * The first connection of a thread takes 150 ms longer than the second. Where the call does not come about, nothing is lost.
 */
export async function practise(): Promise<void> {
  const werift = await loadWerift();
  const ends: (() => unknown)[] = [];
  let over = false;
  const own = (end: () => unknown) => {
    // After the deadline it is not waited for, and ended as soon as it is there.
    if (over) void end();
    else ends.push(end);
  };
  try {
    await within(callItself(werift, own), deadlineMs, "A call to itself");
  } catch {
    // The clients of a real call are told what is wrong.
  } finally {
    over = true;
    await Promise.all(ends.map((end) => end()));
  }
}

async function callItself(werift: Werift, own: (end: () => unknown) => void): Promise<void> {
  const options = { ...fillOptions({ address: "127.0.0.1" }), advertisedAddress: null };
  const room = new CallRoom({ id: "agent", name: "Agent" }, 1);
  const caller = new werift.RTCPeerConnection(configOf(werift, options, opusPayloadType, true));
  own(() => room.close("finished"));
  own(() => caller.close());
  const track = new werift.MediaStreamTrack({ kind: "audio" });
  const heard = listenTo(caller, track);
  await caller.setLocalDescription(await caller.createOffer());
  const offer = readOffer(caller.localDescription?.sdp);
  const { promise: joined, resolve: join } = Promise.withResolvers<void>();
  const { client, sdp } = await WebRtcClient.answer({ werift, options, mediaPort: null }, offer, {
    onConnected: () => room.enter({ id: "caller", name: "Caller" }, client, null),
    onOpen: () => join(),
    onMessage: () => undefined,
    onEnd: () => undefined,
  });
  own(() => client.close("left", "finished"));
  await caller.setRemoteDescription({ type: "answer", sdp });
  await joined;
  await talk(werift, room, track);
  await heard;
}

/** Resolves once the caller was sent as many frames as it says. */
function listenTo(caller: RTCPeerConnection, track: MediaStreamTrack): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  caller.addTransceiver(track, { direction: "sendrecv" });
  caller.createDataChannel("greenroom");
  let count = 0;
  caller.onTrack.subscribe((heard) =>
    heard.onReceiveRtp.subscribe(() => {
      count += 1;
      if (count >= frames) resolve();
    }),
  );
  return promise;
}

/** Says some frames of silence, both ways. */
async function talk(
  { RtpHeader, RtpPacket }: Werift,
  room: CallRoom,
  track: MediaStreamTrack,
): Promise<void> {
  using encoder = await OpusEncoder.create({ sampleRate: heardRate });
  for (let frame = 0; frame < frames; frame += 1) {
    room.say(new Int16Array(frameLength(spokenRate)));
    const header = new RtpHeader({
      payloadType: opusPayloadType,
      sequenceNumber: frame,
      timestamp: 960 * frame,
    });
    const packet = encoder.encode(new Int16Array(frameLength(heardRate)));
    track.writeRtp(new RtpPacket(header, Buffer.from(packet)));
  }
}
