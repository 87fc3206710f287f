/** This runs in the browser: a person in a call, with Stream's own client. */
import { StreamVideoClient } from "@stream-io/video-client";

const element = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const callId = decodeURIComponent(location.pathname.split("/")[2]);

/** The texts of what the client calls the state of the call; others are shown as they are. */
const states = {
  joining: "Joining …",
  joined: "You are in the call.",
  reconnecting: "The connection broke. Connecting again …",
  migrating: "Moving to another server …",
  left: "You left the call.",
  offline: "The network is gone.",
};

let client = null;
let call = null;
/** The elements that play the others, by their session, with what ends them. */
const playing = new Map();

async function join() {
  problem("");
  element("join").hidden = true;
  try {
    const user = { id: query.get("user_id"), name: query.get("user_name") ?? query.get("user_id") };
    client ??= new StreamVideoClient({
      apiKey: query.get("api_key"),
      user,
      token: query.get("token"),
      options: {
        baseURL: `${location.origin}/video`,
        locationHintUrl: `${location.origin}/hint`,
        logLevel: "warn",
      },
    });
    call = client.call(query.get("type") ?? "default", callId);
    call.state.callingState$.subscribe((state) => {
      element("state").textContent = states[state] ?? state;
    });
    call.state.participants$.subscribe(draw);
    await call.camera.disable();
    await call.join();
    element("mute").hidden = element("leave").hidden = false;
    await call.microphone.enable();
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error));
    if (call?.state.callingState !== "joined") element("join").hidden = false;
  }
  drawMute();
}

function draw(participants) {
  element("people").replaceChildren(
    ...participants.map(({ name, userId, isLocalParticipant, isSpeaking }) => {
      const item = document.createElement("li");
      item.textContent = `${name || userId}${isLocalParticipant ? " (you)" : ""}${isSpeaking ? ", speaking" : ""}`;
      return item;
    }),
  );
  const others = participants.filter(({ isLocalParticipant }) => !isLocalParticipant);
  for (const { sessionId } of others) {
    if (playing.has(sessionId)) continue;
    const audio = document.createElement("audio");
    audio.autoplay = true;
    document.body.append(audio);
    const unbind = call.bindAudioElement(audio, sessionId);
    playing.set(sessionId, () => {
      unbind?.();
      audio.remove();
    });
  }
  for (const [sessionId, stop] of playing) {
    if (others.some((one) => one.sessionId === sessionId)) continue;
    stop();
    playing.delete(sessionId);
  }
}

function drawMute() {
  const muted = call?.microphone.state.status !== "enabled";
  element("mute").setAttribute("aria-pressed", String(muted));
  element("mute").textContent = muted ? "Unmute" : "Mute";
}

function problem(text) {
  element("problem").textContent = text;
  element("problem").hidden = text === "";
}

element("join").addEventListener("click", () => void join());
element("mute").addEventListener("click", async () => {
  await call.microphone.toggle().catch((error) => problem(error.message));
  drawMute();
});
element("leave").addEventListener("click", async () => {
  element("mute").hidden = element("leave").hidden = true;
  await call.leave().catch((error) => problem(error.message));
  element("join").hidden = false;
});
