import { TrackType } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";
import type { Participants } from "./participants.ts";

/** Applies an event about sessions and their microphones. Returns false for other events. */
export function applyParticipantEvent(participants: Participants, event: SfuEvent): boolean {
  switch (event.type) {
    case "participantJoined":
    case "participantUpdated":
      if (event.value.participant) participants.put(event.value.participant);
      return true;
    case "participantLeft":
      participants.remove(event.value.participant?.sessionId ?? "");
      return true;
    case "trackPublished": {
      const { userId, sessionId, type, participant } = event.value;
      // In large calls it may be the first event about a participant.
      participants.put({ userId, sessionId, ...participant });
      if (type === TrackType.AUDIO) participants.setMicrophone(sessionId, true);
      return true;
    }
    case "trackUnpublished": {
      const { sessionId, type, participant } = event.value;
      if (participant) participants.put(participant);
      if (type === TrackType.AUDIO) participants.setMicrophone(sessionId, false);
      return true;
    }
    default:
      return false;
  }
}
