import type { Call } from "../call.ts";
import type { User } from "../world.ts";

/** A call as the coordinator returns it, with every setting that the official clients read. */
export function callJson(call: Call, createdBy: User, opusDtx: boolean) {
  const at = new Date(call.createdAt).toISOString();
  return {
    type: call.type,
    id: call.id,
    cid: call.cid,
    created_at: at,
    updated_at: at,
    ...(call.endedAt === null ? {} : { ended_at: new Date(call.endedAt).toISOString() }),
    current_session_id: "session",
    backstage: false,
    recording: false,
    transcribing: false,
    captioning: false,
    translating: false,
    blocked_user_ids: [],
    custom: call.custom,
    created_by: userJson(createdBy),
    egress: { broadcasting: false, rtmps: [] },
    ingress: { rtmp: { address: "" }, srt: { address: "" }, whip: { address: "" } },
    session: {
      id: "session",
      participants: [],
      participants_count_by_role: {},
      anonymous_participant_count: 0,
      rejected_by: {},
      accepted_by: {},
      missed_by: {},
      started_at: at,
    },
    settings: settings(opusDtx),
  };
}

export function userJson({ id, name = id, image, role = "user", custom = {} }: User) {
  const at = new Date(0).toISOString();
  return {
    id,
    name,
    ...(image === undefined ? {} : { image }),
    role,
    custom,
    created_at: at,
    updated_at: at,
    language: "",
    teams: [],
    blocked_user_ids: [],
    banned: false,
    online: false,
    invisible: false,
    shadow_banned: false,
    devices: [],
    mutes: [],
    channel_mutes: [],
    total_unread_count: 0,
    unread_channels: 0,
    unread_count: 0,
    unread_threads: 0,
  };
}

const disabled = { mode: "disabled" };

const settings = (opusDtx: boolean) => ({
  audio: {
    mic_default_on: false,
    speaker_default_on: true,
    access_request_enabled: false,
    opus_dtx_enabled: opusDtx,
    redundant_coding_enabled: false,
    hifi_audio_enabled: false,
    default_device: "speaker",
  },
  video: {
    enabled: true,
    camera_default_on: false,
    camera_facing: "front",
    access_request_enabled: false,
    target_resolution: { width: 640, height: 480, bitrate: 800_000 },
  },
  screensharing: { enabled: false, access_request_enabled: false },
  broadcasting: {
    enabled: false,
    hls: { enabled: false, auto_on: false, quality_tracks: [] },
    rtmp: { enabled: false, quality: "" },
  },
  recording: { ...disabled, audio_only: false, quality: "" },
  individual_recording: disabled,
  raw_recording: disabled,
  frame_recording: { ...disabled, capture_interval_in_seconds: 1 },
  transcription: { ...disabled, closed_caption_mode: "disabled", language: "auto" },
  backstage: { enabled: false },
  ring: { auto_cancel_timeout_ms: 0, incoming_call_timeout_ms: 0, missed_call_timeout_ms: 0 },
  geofencing: { names: [] },
  thumbnails: { enabled: false },
  session: { inactivity_timeout_seconds: 30 },
  limits: {},
  ingress: { enabled: false },
});
