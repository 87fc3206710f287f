/**
 * This runs in the browser: Stream's official client as it is, one participant a page. Its microphone is a tone of its
 * own, so that a listener can tell who is heard. `stage` is called from the test, which bundles this file.
 */
import { StreamVideoClient } from "@stream-io/video-client";

/** Louder than this, in decibels, is sound. */
const audible = -60;
const sampleRate = 48_000;

const state = { client: null, call: null, calling: [], custom: [] };
const ears = new Map();
let context = null;
let microphone = null;

/** Every microphone that the client asks for is a tone of this pitch, in hertz. */
function speakIn(hertz) {
  microphone = hertz;
  navigator.mediaDevices.getUserMedia = async () => {
    const tone = new OscillatorNode(context, { frequency: microphone });
    const volume = new GainNode(context, { gain: 0.3 });
    const out = new MediaStreamAudioDestinationNode(context);
    tone.connect(volume).connect(out);
    tone.start();
    return out.stream;
  };
}

/** The pitch of the loudest sound in a stream, in hertz; `null` where it is silent. After a reconnection its track is another one. */
function pitchOf(stream) {
  const [track] = stream.getAudioTracks();
  if (track === undefined) return null;
  let ear = ears.get(track);
  if (ear === undefined) {
    // Chromium gives a remote stream to Web Audio only where an element plays it too.
    const element = new Audio();
    element.srcObject = stream;
    element.play().catch(() => {});
    const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
    ear = { element, analyser };
    ears.set(track, ear);
  }
  const levels = new Float32Array(ear.analyser.frequencyBinCount);
  ear.analyser.getFloatFrequencyData(levels);
  let loudest = 1;
  for (let bin = 2; bin < levels.length; bin += 1) if (levels[bin] > levels[loudest]) loudest = bin;
  return levels[loudest] < audible ? null : Math.round((loudest * sampleRate) / 8192);
}

/** Returns whether anything sounds in a stream at the moment. */
function sounds(stream) {
  // It makes the analyser of that track.
  pitchOf(stream);
  const ear = ears.get(stream.getAudioTracks()[0]);
  if (ear === undefined) return false;
  const samples = new Float32Array(1024);
  ear.analyser.getFloatTimeDomainData(samples);
  const latest = samples.subarray(-512);
  return latest.some((sample) => Math.abs(sample) > 0.01);
}

const others = () => state.call?.state.remoteParticipants ?? [];

globalThis.stage = {
  async join({ url, apiKey, token, userId, callId, hertz }) {
    context = new AudioContext({ sampleRate });
    await context.resume();
    speakIn(hertz);
    const options = { baseURL: `${url}/video`, locationHintUrl: `${url}/hint`, logLevel: "warn" };
    state.client = new StreamVideoClient({ apiKey, user: { id: userId, name: userId }, token, options });
    state.call = state.client.call("default", callId);
    state.call.on("custom", ({ custom }) => state.custom.push(custom));
    state.call.state.callingState$.subscribe((calling) => state.calling.push(calling));
    await state.call.camera.disable();
    await state.call.join({ create: true });
    await state.call.microphone.enable();
  },
  mute: () => state.call.microphone.disable(),
  unmute: () => state.call.microphone.enable(),
  async leave() {
    await state.call.leave();
    await state.client.disconnectUser();
  },
  endCall: () => state.call.endCall(),

  /** Returns what it sees of the others: `{ <user>: { session, audio } }`. */
  others: () =>
    Object.fromEntries(
      others().map(({ userId, sessionId, publishedTracks }) => [
        userId,
        { session: sessionId, audio: publishedTracks.includes(1) },
      ]),
    ),
  /** Returns what it hears of each of the others: a pitch in hertz, or `null`. */
  hears: (userId) => {
    const stream = others().find((one) => one.userId === userId)?.audioStream;
    return stream === undefined ? null : pitchOf(stream);
  },
  /** Notes from here on, 50 times a second, how many sessions of a user there are, and how many of them sound. */
  watch: (userId) => {
    state.watched = [];
    setInterval(() => {
      const sessions = others().filter((one) => one.userId === userId);
      const sounding = sessions.filter(({ audioStream }) => audioStream !== undefined && sounds(audioStream));
      state.watched.push({ sessions: sessions.length, sounding: sounding.length });
    }, 20);
  },
  /** Returns what was noted: the most sessions, the moments in which several sounded, and the longest silence between sounds. */
  watched: () => {
    const gaps = [];
    let silent = null;
    for (const { sounding } of state.watched) {
      if (sounding > 0 && silent > 0) gaps.push(silent);
      if (sounding > 0) silent = 0;
      else if (silent !== null) silent += 20;
    }
    return {
      mostSessions: Math.max(...state.watched.map(({ sessions }) => sessions)),
      together: state.watched.filter(({ sounding }) => sounding > 1).length,
      longestGapMs: Math.max(0, ...gaps),
    };
  },
  muted: () => state.call.microphone.state.status !== "enabled",
  callingState: () => state.call.state.callingState,
  callingStates: () => [...state.calling],
  customEvents: () => [...state.custom],
};
