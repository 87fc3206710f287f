/**
 * Returns the description of a field that clients of Vision Agents read, about something that no agent of
 * Greenroom does.
 */
const unmeasured = (what: string): string => `Always empty, for clients of Vision Agents: ${what}.`;

/**
 * The fields of `GET /sessions/{id}/metrics`, under the names of Vision Agents, in milliseconds. Averages without data
 * are null, totals 0.
 */
export const sessionMetricFields = {
  llm_latency_ms__avg:
    "Model request until the end of its answer, tool rounds included. Completed answers only.",
  llm_time_to_first_token_ms__avg:
    "Model request until its first text, over tool rounds. Completed answers only.",
  llm_input_tokens__total: "Input tokens consumed, those of cancelled and failed answers included.",
  llm_output_tokens__total: "Output tokens generated, those of cancelled and failed answers included.",
  llm_tool_calls__total: "Tool calls, whatever became of them.",
  llm_tool_latency_ms__avg: "How long tool calls took. Failed ones count, cancelled ones do not.",
  stt_latency_ms__avg:
    "Last sound of speech until the final transcript. Vision Agents counts from the first audio after the previous turn, the user's whole speech included.",
  stt_audio_duration_ms__total: "Audio sent to speech-to-text.",
  tts_latency_ms__avg: "Text-to-speech request until the first audio. Completed syntheses only.",
  tts_audio_duration_ms__total: "Audio received from text-to-speech.",
  tts_characters__total: "Characters sent to text-to-speech.",
  turn_duration_ms__avg: "How long turns took. Completed turns only.",
  turn_trailing_silence_ms__avg: "Silence at the end of a turn before it was taken as ended.",
  eot_latency_ms__avg: "Last sound of speech until the end of the turn was noticed.",
  response_latency_ms__avg: "Last sound of speech until the first sound of the answer.",
  realtime_audio_input_bytes__total: unmeasured("bytes of audio sent to a speech-to-speech model"),
  realtime_audio_output_bytes__total: unmeasured("bytes of audio received from a speech-to-speech model"),
  realtime_audio_input_duration_ms__total: "Audio sent to a speech-to-speech model.",
  realtime_audio_output_duration_ms__total: "Audio received from a speech-to-speech model.",
  realtime_user_transcriptions__total: unmeasured("a speech-to-speech model's transcripts of users"),
  realtime_agent_transcriptions__total: unmeasured("a speech-to-speech model's transcripts of the agent"),
  vlm_inference_latency_ms__avg: unmeasured("latency of a vision model"),
  vlm_inferences__total: unmeasured("requests to a vision model"),
  vlm_input_tokens__total: unmeasured("input tokens of a vision model"),
  vlm_output_tokens__total: unmeasured("output tokens of a vision model"),
  video_frames_processed__total: unmeasured("video frames processed"),
  video_processing_latency_ms__avg: unmeasured("time to process a video frame"),
} as const satisfies Record<`${string}__${"avg" | "total"}`, string>;
export type SessionMetricName = keyof typeof sessionMetricFields;

/** The metrics of one session. Times are in milliseconds. */
export type SessionMetricsSnapshot = {
  [Name in SessionMetricName]: Name extends `${string}__avg` ? number | null : number;
};
