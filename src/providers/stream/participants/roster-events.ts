import { TrackType } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";
import type { Participants } from "./participants.ts";

/** Takes an event about who came, who went and who may be heard. Returns whether the event was one of those. */
export function takeRosterEvent(participants: Participants, event: SfuEvent): boolean {
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
      // In big calls it is the first that one hears of somebody.
      participants.put({ userId, sessionId, ...participant });
      if (type === TrackType.AUDIO) participants.speaks(sessionId, true);
      return true;
    }
    case "trackUnpublished": {
      const { sessionId, type, participant } = event.value;
      if (participant) participants.put(participant);
      if (type === TrackType.AUDIO) participants.speaks(sessionId, false);
      return true;
    }
    default:
      return false;
  }
}
