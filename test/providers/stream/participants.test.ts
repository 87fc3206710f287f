import test from "ava";
import type { ConnectionEvent } from "../../../src/agent/edge.ts";
import type { PcmFrame } from "../../../src/audio/pcm-frame.ts";
import { ParticipantAudio } from "../../../src/providers/stream/participants/participant-audio.ts";
import {
  applyParticipantEvent,
  Participants,
} from "../../../src/providers/stream/participants/participants.ts";
import { Subscriptions } from "../../../src/providers/stream/sfu/subscriptions.ts";
import { TrackType } from "../../../src/providers/stream/wire/enums.ts";
import {
  Participant,
  SfuEvent,
  type TrackSubscription,
} from "../../../src/providers/stream/wire/messages.ts";
import { decode, encode, type MessageInput, variantOf } from "../../../src/providers/stream/wire/protobuf.ts";
import { within } from "../../../src/shared/deadline.ts";

const { AUDIO, VIDEO } = TrackType;
const never = { graceMs: 3_600_000, graceAfterReconnectMs: 3_600_000 };

function gather(times = never) {
  const events: ConnectionEvent[] = [];
  const left = Promise.withResolvers<void>();
  const participants = new Participants(
    "agent",
    (event) => {
      events.push(event);
      if (event.type === "participant_left") left.resolve();
    },
    times,
  );
  const take = (input: MessageInput<typeof SfuEvent>) => {
    const event = variantOf(decode(SfuEvent, encode(SfuEvent, input)));
    return event !== null && applyParticipantEvent(participants, event);
  };
  return { participants, events, take, left: left.promise };
}

const attendee = (
  userId: string,
  sessionId: string,
  publishedTracks: readonly number[] = [],
  more: object = {},
) =>
  decode(
    Participant,
    encode(Participant, { userId, sessionId, publishedTracks, trackLookupPrefix: `p-${sessionId}`, ...more }),
  );

const joined = (...[userId, sessionId, tracks, more]: Parameters<typeof attendee>) => ({
  participantJoined: { participant: attendee(userId, sessionId, tracks, more) },
});

const sessionsOf = (list: readonly TrackSubscription[]) => list.map(({ sessionId }) => sessionId);

test("participants that are present are reported once, the agent's own user never", (t) => {
  const { participants, events } = gather();
  participants.reset([
    attendee("ada", "s1", [AUDIO], { name: "Ada" }),
    attendee("agent", "s2", [AUDIO]),
    attendee("bob", "s3"),
  ]);
  t.deepEqual(
    [...participants.people.values()],
    [
      { id: "ada", name: "Ada" },
      { id: "bob", name: "bob" },
    ],
  );
  t.is(events.length, 2);
  t.deepEqual(participants.subscriptions, [{ userId: "ada", sessionId: "s1", trackType: AUDIO }]);
});

test("a microphone is subscribed to once it is on, and remains so while it is muted", (t) => {
  const { participants, take } = gather();
  take(joined("ada", "s1", [VIDEO]));
  t.deepEqual(participants.subscriptions, []);
  take({ trackPublished: { userId: "ada", sessionId: "s1", type: AUDIO } });
  t.deepEqual(sessionsOf(participants.subscriptions), ["s1"]);
  take({ trackUnpublished: { userId: "ada", sessionId: "s1", type: AUDIO } });
  t.deepEqual(sessionsOf(participants.subscriptions), ["s1"]);
  take({ participantLeft: { participant: { userId: "ada", sessionId: "s1" } } });
  t.deepEqual(participants.subscriptions, []);
});

test("a track may be the first event about a participant", (t) => {
  const { participants, take } = gather();
  take({
    trackPublished: { userId: "ada", sessionId: "s1", type: AUDIO, participant: attendee("ada", "s1") },
  });
  take({ trackPublished: { userId: "bob", sessionId: "s2", type: AUDIO } });
  t.deepEqual([...participants.people.keys()], ["ada", "bob"]);
  t.is(participants.speakerOf("p-s1"), "ada");
  t.is(participants.speakerOf("p-s2"), undefined);
  take({ participantUpdated: { participant: attendee("bob", "s2", [AUDIO], { name: "Bob" }) } });
  t.is(participants.speakerOf("p-s2"), "bob");
  t.is(participants.people.get("bob")?.name, "Bob");
});

test("a user who rejoins in time is not reported; one who does not has left", async (t) => {
  const patient = gather();
  patient.take(joined("ada", "s1"));
  patient.take({ participantLeft: { participant: { userId: "ada", sessionId: "s1" } } });
  patient.take(joined("ada", "s2"));
  t.deepEqual(
    patient.events.map(({ type }) => type),
    ["participant_joined"],
  );
  const { take, participants, events, left } = gather({ graceMs: 1, graceAfterReconnectMs: 1 });
  take(joined("ada", "s1"));
  take({ participantLeft: { participant: { userId: "ada", sessionId: "s1" } } });
  t.is(participants.people.size, 1);
  await within(left, 10_000, "To depart");
  t.is(participants.people.size, 0);
  t.like(events.at(-1), { type: "participant_left", participant: { id: "ada" } });
});

test("of a user's sessions the newest with its microphone on is heard, and the user is present while any is", (t) => {
  const { participants, take, events } = gather({ graceMs: 0, graceAfterReconnectMs: 0 });
  take(joined("ada", "phone", [AUDIO]));
  t.is(participants.speakerOf("p-phone"), "ada");
  take(joined("ada", "laptop"));
  t.is(participants.speakerOf("p-phone"), "ada");
  take({ trackPublished: { userId: "ada", sessionId: "laptop", type: AUDIO } });
  t.is(participants.speakerOf("p-laptop"), "ada");
  t.is(participants.speakerOf("p-phone"), null);
  take({ trackUnpublished: { userId: "ada", sessionId: "laptop", type: AUDIO } });
  t.is(participants.speakerOf("p-phone"), "ada");
  take({ participantLeft: { participant: { userId: "ada", sessionId: "phone" } } });
  t.is(participants.speakerOf("p-laptop"), "ada");
  t.is(participants.people.size, 1);
  t.is(events.length, 1);
});

test("the list of a join orders sessions by the time of their join", (t) => {
  const { participants } = gather();
  participants.reset([
    attendee("ada", "newer", [AUDIO], { joinedAt: { seconds: 20 } }),
    attendee("ada", "older", [AUDIO], { joinedAt: { seconds: 10 } }),
  ]);
  t.is(participants.speakerOf("p-newer"), "ada");
  t.is(participants.speakerOf("p-older"), null);
});

test("a new list replaces the former one, without events for those in both", (t) => {
  const { participants, events } = gather();
  participants.reset([attendee("ada", "s1", [AUDIO]), attendee("bob", "s2", [AUDIO])]);
  participants.reset([attendee("bob", "s2", [AUDIO]), attendee("cy", "s3")], { afterReconnect: true });
  t.deepEqual(sessionsOf(participants.subscriptions), ["s2"]);
  t.deepEqual(
    events.map((event) => "participant" in event && event.participant.id),
    ["ada", "bob", "cy"],
  );
  participants.close();
});

test("other events are not applied", (t) => {
  const { take } = gather();
  t.false(take({ goAway: { reason: 1 } }));
  t.true(take({ participantLeft: {} }));
  t.true(take({ participantJoined: {} }));
});

const frame = (value: number): PcmFrame => ({ samples: Int16Array.of(value), sampleRate: 16_000 });

test("sound is held for a second until its participant is known", (t) => {
  const { participants, take } = gather();
  const voices = new ParticipantAudio(participants);
  const heard: [string, number | undefined][] = [];
  const stop = voices.listen((id, { samples }) => heard.push([id, samples[0]]));
  for (let count = 0; count < 60; count++) voices.push("p-s1", frame(count));
  t.deepEqual(heard, []);
  take(joined("ada", "s1", [AUDIO]));
  voices.push("p-s1", frame(60));
  t.is(heard.length, 51);
  t.deepEqual(heard[0], ["ada", 10]);
  t.deepEqual(heard.at(-1), ["ada", 60]);
  stop();
  voices.push("p-s1", frame(61));
  t.is(heard.length, 51);
});

test("subscriptions are sent one request at a time, only after a change, and the last ones count", async (t) => {
  const told: (readonly string[])[] = [];
  let answer = Promise.withResolvers<void>();
  const subscriptions = new Subscriptions((tracks) => {
    told.push(sessionsOf(tracks) as string[]);
    answer = Promise.withResolvers();
    return answer.promise;
  });
  const want = (...ids: string[]) => subscriptions.update(ids.map((sessionId) => ({ sessionId })));
  want();
  t.deepEqual(told, []);
  want("a");
  want("a", "b");
  want("b");
  t.deepEqual(told, [["a"]]);
  answer.resolve();
  await new Promise(setImmediate);
  t.deepEqual(told, [["a"], ["b"]]);
  answer.reject(new Error("refused"));
  await new Promise(setImmediate);
  // Not accepted: told again with the next change, whatever that is.
  want("b");
  t.deepEqual(told, [["a"], ["b"], ["b"]]);
  answer.resolve();
  await new Promise(setImmediate);
  want("b");
  t.is(told.length, 3);
});
