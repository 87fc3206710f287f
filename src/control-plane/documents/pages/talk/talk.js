import { Call } from "../client.js";

const element = (id) => document.getElementById(id);
const controls = {
  talk: element("talk"),
  mute: element("mute"),
  end: element("end"),
  state: element("state"),
  problem: element("problem"),
  transcript: element("transcript"),
  text: element("text"),
};

/** Advice to a person about an error, by its code. The error's own message comes first. */
const advice = {
  insecure_page:
    "Open the page at localhost or over HTTPS: elsewhere browsers give no microphone. You can type below.",
  no_microphone: "Connect a microphone and try again, or type below.",
  microphone_denied: "Allow the microphone in the browser's address bar and try again, or type below.",
  microphone_failed: "Close other programs that use the microphone and try again, or type below.",
  unreachable: "Is the server running? Try again in a moment.",
  full: "Try again when a call has ended.",
  not_ready: "The server is starting or shutting down. Try again in a moment.",
  forbidden: "Enter an API key of this server.",
  not_found: "Start a new call.",
  not_offered: "Give the agent the edge browser.Edge(), or talk to it over REST or in the terminal.",
  connection_failed: "Neither WebRTC nor a WebSocket connected. A firewall or a proxy may be in between.",
};

/** The errors in a call that the address names about which a person can do nothing here. */
const namedAdvice = new Set(["forbidden", "not_found"]);

/** The ways in which a session ended, as texts for people; other reasons are shown as they are. */
const ends = {
  left: "You ended the call.",
  replaced: "The call goes on in another page.",
  finished: "The agent ended the call.",
  closed: "The call was closed by the server.",
  idle: "The call was closed, since nobody was there.",
  max_duration: "The call reached its longest duration.",
  drained: "The server is shutting down.",
  lost: "The server that had the call is gone.",
};

/** The ends after which the call itself goes on. */
const comesBack = new Set(["left", "replaced"]);

const stateTexts = {
  connecting: "Connecting …",
  reconnecting: "The connection broke. Connecting again …",
};
const agentTexts = {
  listening: "The agent is listening.",
  thinking: "The agent is thinking …",
  speaking: "The agent is speaking.",
};

const stages = [
  ["end_of_turn_ms", "end of your turn", "#8a6d3b"],
  ["first_token_ms", "first word of the model", "#2a6fb0"],
  ["first_sentence_ms", "first sentence", "#7a4fa3"],
  ["first_byte_ms", "first sound of the voice", "#b0453a"],
  ["output_ms", "on its way to you", "#2f7d4f"],
];

let call = null;
let key = null;
/**
 * The session that the address names, as `#session=<session_id>&token=<session_token>`; null where the page starts its own.
 * The part of an address behind the # is sent to no server.
 */
const named = readAddress();
/** The words that were typed before the call was connected. */
const waiting = [];
/** The latencies of turns, by the id of the turn. */
const turns = new Map();

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [id, token] = [given.get("session"), given.get("token")];
  return id && token ? { id, token } : null;
}

async function start(microphone) {
  if (call && call.state !== "ended") return;
  show(controls.problem, false);
  turns.clear();
  call = new Call({
    url: new URL(".", document.baseURI).href,
    ...(named ? { session: named } : {}),
    headers: key ? { Authorization: `Bearer ${key}` } : {},
    userName: "You",
    microphone,
    workletUrl: new URL("client-worklet.js", document.baseURI).href,
  });
  call.on("state", drawState);
  call.on("agentState", drawState);
  call.on("transcript", drawTranscript);
  call.on("turn", (turn) => {
    turns.set(turn.turnId, turn);
    drawTranscript(call.transcript);
  });
  call.on("ended", drawEnd);
  drawState();
  try {
    await call.start();
  } catch (error) {
    explain(error, microphone);
  }
}

function explain(error, microphone) {
  const code = error?.code ?? "";
  // A key opens no call that the address names: its token does.
  if (code === "forbidden" && !named) show(element("sign-in"), true);
  const advised = named && namedAdvice.has(code) ? "Ask for a new link." : advice[code];
  controls.problem.textContent = [error?.message ?? String(error), advised].filter(Boolean).join(" ");
  show(controls.problem, true);
  // Without a microphone the words that were typed can still be sent.
  if (microphone && waiting.length > 0) void start(false);
}

function drawState() {
  const { state } = call;
  const live = state !== "idle" && state !== "ended";
  show(controls.talk, !live);
  show(element("controls"), live);
  show(element("levels"), live);
  if (state === "connected") {
    const by = call.transport === "websocket" ? " Connected by a WebSocket." : "";
    controls.state.textContent = `${agentTexts[call.agentState]}${by}`;
    for (const text of waiting.splice(0)) call.sendText(text);
    requestAnimationFrame(drawLevels);
  } else if (stateTexts[state]) {
    controls.state.textContent = stateTexts[state];
  }
  controls.mute.setAttribute("aria-pressed", String(call.muted));
  controls.mute.textContent = call.muted ? "Unmute" : "Mute";
}

function drawEnd({ reason, error }) {
  controls.talk.textContent = "Talk again";
  // A call that the address names is over for good, unless it was only left.
  show(controls.talk, !named || Boolean(error) || comesBack.has(reason));
  controls.state.textContent = error
    ? "The call did not go on."
    : (ends[reason] ?? `The call ended: ${reason}.`);
  if (error) explain(error, false);
}

function drawLevels() {
  if (call?.state !== "connected") return;
  const { microphone, agent } = call.levels();
  element("you").value = call.muted ? 0 : microphone;
  element("agent").value = agent;
  requestAnimationFrame(drawLevels);
}

function drawTranscript(entries) {
  const list = controls.transcript;
  const scroll = element("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  entries.forEach((entry, index) => {
    const turn = turns.get(entry.id.split("/")[0]);
    const version = JSON.stringify([entry.text, entry.final, entry.role === "agent" && Boolean(turn)]);
    const old = list.children[index];
    if (old?.dataset.version === version) return;
    const item = itemOf(entry, entry.role === "agent" ? turn : undefined);
    item.dataset.version = version;
    if (old) old.replaceWith(item);
    else list.append(item);
  });
  while (list.children.length > entries.length) list.lastChild.remove();
  show(element("hint"), entries.length < 2);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function itemOf({ role, text, final, participantId }, turn) {
  const item = document.createElement("li");
  item.className = role;
  const name = role === "agent" ? "Agent" : nameOf(participantId);
  item.append(Object.assign(document.createElement("span"), { className: "who", textContent: name }));
  item.append(
    Object.assign(document.createElement("span"), { className: final ? "" : "interim", textContent: text }),
  );
  if (turn?.latency) item.append(waterfall(turn.latency));
  return item;
}

function nameOf(participantId) {
  if (participantId === call.me?.id) return "You";
  return call.participants.find(({ id }) => id === participantId)?.name ?? participantId;
}

/** Returns the latency of one turn as a bar of its stages, which add up to the whole. */
function waterfall(latency) {
  const details = Object.assign(document.createElement("details"), { className: "turn" });
  const total = Math.max(1, Math.round(latency.response_ms));
  const there = stages.filter(([name]) => typeof latency[name] === "number" && latency[name] > 0);
  const summary = document.createElement("summary");
  summary.textContent = `Answered after ${total} ms`;
  const ns = "http://www.w3.org/2000/svg";
  const bar = document.createElementNS(ns, "svg");
  bar.setAttribute("class", "bar");
  bar.setAttribute("viewBox", `0 0 ${total} 10`);
  bar.setAttribute("preserveAspectRatio", "none");
  bar.setAttribute("aria-hidden", "true");
  const list = Object.assign(document.createElement("ul"), { className: "stages" });
  let from = 0;
  for (const [name, text, colour] of there) {
    const part = document.createElementNS(ns, "rect");
    for (const [attribute, value] of Object.entries({
      x: from,
      y: 0,
      width: latency[name],
      height: 10,
      fill: colour,
    }))
      part.setAttribute(attribute, String(value));
    bar.append(part);
    from += latency[name];
    const item = document.createElement("li");
    const swatch = document.createElementNS(ns, "svg");
    swatch.setAttribute("class", "swatch");
    swatch.setAttribute("viewBox", "0 0 1 1");
    swatch.setAttribute("aria-hidden", "true");
    const square = document.createElementNS(ns, "rect");
    square.setAttribute("width", "1");
    square.setAttribute("height", "1");
    square.setAttribute("fill", colour);
    swatch.append(square);
    item.append(swatch, `${Math.round(latency[name])} ms ${text}`);
    list.append(item);
  }
  details.append(summary, bar, list);
  return details;
}

function show(node, shown) {
  node.hidden = !shown;
}

// The element can have the focus, so that its words can be scrolled with the keyboard.
element("scroll").tabIndex = 0;

controls.talk.addEventListener("click", () => void start(true));
controls.mute.addEventListener("click", () => {
  call.mute(!call.muted);
  drawState();
});
controls.end.addEventListener("click", () => {
  void call.end();
  controls.talk.focus();
});
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = controls.text.value.trim();
  if (text === "") return;
  controls.text.value = "";
  if (call?.sendText(text)) return;
  waiting.push(text);
  void start(false);
});
element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  key = element("key").value;
  element("key").value = "";
  show(element("sign-in"), false);
  void start(waiting.length === 0);
});
