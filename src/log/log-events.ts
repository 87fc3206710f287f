/**
 * The events of log lines, and the meaning of each. Every line of the server and of its session threads carries one of
 * them as `event`, so that no reader has to match on the words of its message. The lines of an agent's own console have
 * none.
 */
export const logEvents = {
  // The server.
  server_listening: "The server listens at `url`.",
  server_ready: "Sessions can start.",
  server_warming_up: "`warm` of `target` threads are warm.",
  server_draining: "A signal was received: the server announces its shutdown, and waits for calls to end.",
  server_closing: "A further signal was received: running calls are closed.",
  server_hurried: "A further signal was received: the process ends at once.",
  server_stopped: "The server has stopped: `cause` is the signal or the error.",
  server_start_failed: "The server cannot start, and ends.",
  server_stop_failed: "The server could not shut down cleanly.",
  command_failed: "The command line was wrong, or the command failed before there was a server.",
  calls_awaited: "A shutdown waits for running calls: `sessions` is their number.",
  rejection_unhandled: "A promise was rejected, and nobody handled it.",
  exception_uncaught: "An exception was not caught: the server drains.",
  connections_limited: "The limit of open files allows few connections.",
  server_exposed: "Callers do not authenticate: everybody who reaches the server may do everything.",
  host_names_limited:
    "Callers do not authenticate, so the server may be called only by the names in the message.",
  environment_doubtful:
    "The environment or the command line holds settings without effect, or shows secrets.",
  capacity_derived:
    "`capacity` is the number of sessions that may live at a time; the message has the reason.",
  recogniser_offered:
    "`offered` says whether speech can be recognised without a key; the message has the reason.",
  recogniser_loaded: "The recogniser that needs no key was loaded.",
  recogniser_ended_for_memory:
    "The recogniser that needs no key was ended, since there was too little memory left.",
  recogniser_failed: "The recogniser that needs no key has failed.",
  media_port_failed: "The thread of the media port has ended: calls through it are made anew.",
  mcp_failed: "The thread that runs the programs of MCP servers has ended: sessions ask for another one.",
  voice_failed: "The thread of the voice that needs no key has ended: another one is started.",
  memory_limits_doubtful: "The limits of memory contradict each other.",
  log_lines_dropped: "Lines of the log were dropped: a slow reader, a full volume, or a flood.",
  // Callers and permissions.
  api_keys_asked: "Callers are asked for API keys.",
  api_key_file_read: "The file of API keys was read.",
  api_key_file_flawed:
    "Lines of the file of API keys are no key: `flawed_lines` has their numbers, `cause` the fault of the first.",
  api_key_file_empty: "The file of API keys holds none: it lets nobody in.",
  api_key_file_unreadable: "The file of API keys cannot be read: none of its keys is accepted. `err` is why.",
  access_check_doubtful: "A permission callback, which may be unused, cannot work.",
  origin_refused: "A caller was refused because of its Host or Origin; the message says how to let it in.",
  deferred_failed: "A function that a request deferred failed.",
  deferred_overdue: "Functions that a request deferred did not end in time.",
  stream_caller_unjudged: "The caller of an event stream could not be judged again.",
  // Requests.
  request_answered: "A request was answered: `route`, `status`, `code`, `ms`.",
  request_failed: "A request failed by a fault of the server, or of the code that judges callers.",
  request_refused: "A request was refused with a status above 500: `code` is the error, `cause` its reason.",
  error_unsendable: "An error has headers that cannot be sent.",
  request_field_ignored: "A request has a field that is not known.",
  connection_broken: "A connection broke.",
  // Sessions.
  session_started: "A session was given a thread, and its agent was made.",
  session_ended: "A session has ended: `end_reason` is the reason, `err` the error.",
  session_interrupted:
    "The thread of a session has ended, and another one takes up its call: `reason` is the reason, `err` the error.",
  session_resumed:
    "The agent of a session that was interrupted is in its call again: `times` counts how often.",
  session_adopted:
    "A session of a replica that is dead goes on in this one: `from_node` is the replica in which it was.",
  session_adoption_failed:
    "A session of a replica that is dead cannot go on in this one, and is left to others: `err` is why.",
  session_handed_over: "A session goes on in another replica, since this one drains: `to_node` is that one.",
  session_taken_over:
    "A session of a replica that drains goes on in this one: `from_node` is the replica in which it was.",
  hand_over_failed:
    "A session was not handed over to `to_node`, and goes on here; it is tried again after a growing pause: `err` is why.",
  session_end_hook_failed: "`onSessionEnd` failed.",
  session_end_hook_overdue: "`onSessionEnd` did not end before the stop.",
  session_end_untold:
    "The end of a session is not reported, since it was reported as lost before, or goes on in another replica.",
  session_end_unwritten: "The end of a session could not be written: it will be reported as lost.",
  session_ends_left: "Messages about ends are left for other replicas, or the next start, to send.",
  session_ends_unkept:
    "No store keeps ends: those that the webhook has not received when the process ends are lost.",
  session_over_memory: "A session is over its memory limit: its thread ends, or it is asked to close.",
  call_left_on_behalf: "The server left a call for a dead thread.",
  call_not_left_on_behalf: "The server could not leave a call for a dead thread.",
  // The webhook.
  webhook_retried:
    "A message of the webhook will be sent again: `what` was the answer, `attempt` the number of the try.",
  webhook_settled: "A message of the webhook was not delivered: `outcome` is `failed`, `dropped` or `gone`.",
  webhook_dropped: "A message of the webhook is dropped, since the server stops.",
  webhook_gone: "The receiver of the webhook answered 410: nothing more is sent.",
  webhook_events_lost:
    "Events of a session were not delivered to the webhook: `what` was the answer, or the reason. The next such line of the session follows once others were.",
  webhook_events_gone: "The receiver of the webhook answered 410 to events: no more are sent; ends are.",
  // Session threads.
  thread_start_failed: "A session thread could not start: `err` is the error of the agent's module.",
  thread_error: "An error in a thread without a session.",
  thread_blocked:
    "A session thread is blocked: `frames` are its hottest lines, `tools` the names of the tools that it was running.",
  thread_over_memory: "The thread that takes most memory is ended, before the process has none left.",
  thread_dead_on_arrival: "A thread ended before any of the agent's code ran in it: another one is tried.",
  crash_storm:
    "Starts are refused for up to a minute, since too many threads crashed at one place of the code: `where`.",
  load_guard_changed:
    "`causes` are the reasons for which starts are refused; where it is empty they are accepted again.",
  agent_start_failed: "The agent cannot be started: starts are refused until it can.",
  agent_warm_up_failed: "The rehearsal of the agent failed.",
  agent_reported: "The findings of the rehearsal about the agent and its services.",
  // The fleet.
  fleet_joined: "The process takes part in a fleet.",
  registry_away: "The registry cannot be reached: `cause` is why; the message has the consequences.",
  registry_back: "The registry can be reached again.",
  registry_left_in_disorder: "The registry could not be left cleanly.",
  replica_fenced: "This replica's sessions were reported as lost, and end now.",
  replica_cut_off: "No other replica can be reached: this one declares none of them dead.",
  replica_dead:
    "A replica was declared dead, or the process before this one ended unexpectedly: `sessions` of its sessions are lost, and `adopted` go on in this one.",
  node_id_taken: "Another process has the same node id.",
  fleet_settings_useless: "Settings of a fleet have no effect without a Redis.",
  peer_secret_missing: "Requests cannot be passed on to other replicas, since there is no `peerSecret`.",
  peer_address_missing: "Other replicas cannot reach this one, since it advertises no address.",
  peer_silent: "Another replica did not answer: `peer`, `address`, `cause`.",
  peer_sessions_missing: "A list or the figures of the fleet lack the part of a replica that did not answer.",
  journal_lines_unreadable: "Lines of the journal could not be read, and are left out.",
  // The agent in its call.
  turn: "A turn is over.",
  tool_failed: "A tool failed.",
  tool_filler_failed: "The words to say while `tool` takes long could not be made.",
  tool_late: "A tool ended after its result was given up.",
  tool_result_untold: "A tool returned a value that a model cannot be told.",
  tool_call_dropped: "A call of a tool was not run, since there were too many.",
  tool_name_taken:
    "A tool of an MCP server (`server`) is left out, since another tool has its name: give the server a `prefix`.",
  images_refused:
    "A model refused a request with images. It was asked again without them, and they are not shown to any model from then on.",
  model_answer_useless: "An answer of the model was of no use, and is asked for again.",
  model_answer_unended: "A speech-to-speech model did not end its answer.",
  model_session_unclosed: "A session with a speech-to-speech model was not closed.",
  model_failed: "A speech-to-speech model failed.",
  transcription_failed: "A recogniser failed.",
  transcription_unclosed: "A stream of a recogniser was not closed.",
  participant_unheard: "A participant cannot be heard.",
  participant_heard: "A participant is heard again.",
  participant_not_listened_to: "A participant is not listened to: too many speak.",
  budget_exhausted: "The session has used up its budget.",
  call_state_too_long:
    "The state of a call is longer than what is kept of it, so that no other thread can take it up while it is: `characters` are those of its parts.",
  role_hook_failed: "`onEnter` or `onExit` of an agent's role threw: `from` and `to` are the roles.",
  role_unknown: "An agent that takes up a call does not have the `role` of the one before.",
  guard_failed:
    "A `guard` of the agent threw, or took too long, as it judged what was heard or was to be said (`stage`).",
  words_blocked: "A `guard` of the agent has blocked the words of a participant, or the rest of an answer.",
  listener_failed: "A listener of the agent's events threw.",
  close_step_failed: "A step of closing the agent failed.",
  call_events_unsupported: "The edge takes no events.",
  call_event_unsent: "An event could not be sent into the call.",
  connect_ahead_failed: "A connection could not be opened ahead.",
  // The connection to a call.
  call_muted: "The agent was muted, or unmuted.",
  call_reconnected: "The connection to the call came back.",
  call_trouble: "The connection to the call has a fault that the call survives.",
  call_over: "The call is over for the agent.",
  call_lost: "The connection to the call is lost.",
} as const satisfies Readonly<Record<string, string>>;

/** The name of an event of the log. */
export type LogEvent = keyof typeof logEvents;
