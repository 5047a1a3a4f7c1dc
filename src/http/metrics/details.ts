import type { PartHealth } from '#core/health.ts';
import type { Json } from '#core/stream.ts';
import type { Metric, MetricType, Sample } from './exposition.ts';

/**
 * What the parts count, as metrics: rows here give a number of `GET /health` its name, type and unit. A
 * number without a row goes out as `vigil_part_detail`, so that nothing that is counted is left out.
 */
interface Row {
  /** After `vigil_`. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** What makes the base unit of it. */
  readonly factor: number;
}

const MB = 2 ** 20;
const MS = 1e-3;

/** `part.key`, where `*` is any part, and told as a label, and `:name` a key that is a label. */
// biome-ignore format: a table
const ROWS: Readonly<Record<string, Row>> = {
  'http.requests':          total('http_requests', 'Requests that came in.'),
  'http.errors':            total('http_errors', 'Requests that failed by a fault of the gateway.'),
  'http.limited':           total('http_limited', 'Requests that came faster than they may.'),
  'http.refused':           total('ws_refused', 'WebSockets that were refused.'),
  'http.shed':              total('ws_shed', 'WebSockets that came faster than they may.'),
  'http.strangers':         gauge('ws_strangers', 'WebSockets that have not said who they are.'),
  'http.turnedAway':        total('ws_turned_away', 'WebSockets closed as they did not say who they are.'),
  'http.ended':             total('ws_logins_ended', 'WebSockets closed as their log-in or token ended.'),
  'http.messagesIn':        total('ws_messages_in', 'Messages of clients.'),
  'http.violations':        total('ws_violations', 'Messages of clients that fit no shape.'),
  'http.cutLimit':          total('ws_cut_limit', 'Clients closed for breaking a limit.'),
  'http.clients':           gauge('ws_clients', 'Clients that are connected.'),
  'http.coalescing':        gauge('ws_coalescing_clients', 'Clients that get only the newest values.'),
  'http.coalesced':         total('ws_coalesced', 'Messages held back for slow clients.'),
  'http.wavesDropped':      total('ws_waves_dropped', 'Blocks dropped for slow clients.'),
  'http.framesDropped':     total('ws_frames_dropped', 'Raw frames dropped for slow clients.'),
  'http.cutSlow':           total('ws_cut_slow', 'Clients closed for reading too slowly.'),
  'http.dead':             total('ws_dead', 'Clients that went without closing.'),
  'http.messagesOut':       total('ws_messages_out', 'Messages sent to clients.'),
  'http.bytesOut':          total('ws_sent_bytes', 'Bytes sent to clients of WebSockets.'),

  'http.bodies.bytes':      gauge('http_body_bytes', 'Bodies of requests in memory.'),
  'http.bodies.tooLong':    total('http_bodies_too_long', 'Bodies that were too long.'),
  'http.bodies.unframed':   total('http_bodies_unframed', 'Bodies of which nobody can say where they end.'),
  'http.bodies.late':       total('http_bodies_late', 'Bodies that took too long.'),
  'http.bodies.crowdedOut': total('http_bodies_crowded_out', 'Bodies that found no room.'),
  'http.bodies.cutOff':     total('http_bodies_cut_off', 'Bodies that broke off.'),

  'store.dropped':          total('store_dropped', 'Readings that found no room to wait.'),
  'store.refused':          total('store_refused', 'Readings that cannot be stored.'),
  'store.waitingBytes':     gauge('store_waiting_bytes', 'What waits to be written.'),
  'store.failures':         total('store_failures', 'Writes that the disk refused.'),
  'store.usedMB':           gauge('store_used_bytes', 'What the recording takes.', MB),
  'store.quotaMB':          gauge('store_quota_bytes', 'What the recording may take.', MB),
  'store.fileMB':           gauge('store_file_bytes', 'Size of the data file.', MB),
  'store.bytes.:class':     gauge('store_class_bytes', 'What each class of records takes.'),
  'store.records':          total('store_records', 'Records written.'),
  'store.recordBytes':      total('store_record_bytes', 'Bytes of records written.'),
  'store.seals':            total('store_seals', 'Blocks closed and made durable.'),
  'store.blocks':           total('store_blocks', 'Blocks written.'),
  'store.evicted':          total('store_evicted', 'Blocks that made room for newer ones.'),
  'store.lost':             total('store_lost', 'Readings given up, for whatever reason.'),
  'store.pinnedBytes':      gauge('store_pinned_bytes', 'What sessions keep that are not to go.'),
  'store.pressed':          gauge('store_pressed', '1 where no room was found for the last block.'),
  'store.waiting':          gauge('store_waiting', 'Readings that wait for their block.'),
  'store.recovered':        gauge('store_recovered', 'Readings taken over from the start before.'),
  'store.refusedStreams':   total('store_refused_streams', 'Streams that were too many.'),
  'store.scrubbed':         total('store_scrubs', 'Times that all that is stored was checked.'),
  'store.damaged':          gauge('store_damaged', 'Stored entries that are damaged.'),

  'sessions.current':       gauge('sessions_current', 'Number of the drive that is recorded.'),
  'sessions.sessions':      gauge('sessions', 'Sessions that are kept.'),
  'sessions.unsaved':       gauge('sessions_unsaved', 'Sessions that could not be saved yet.'),
  'sessions.writeFailures': total('sessions_write_failures', 'Times that sessions could not be saved.'),
  'sessions.forgotten':     total('sessions_forgotten', 'Sessions given up to make room.'),
  'sessions.refusedDrives': total('sessions_refused_drives', 'Drives that were one too many.'),

  'reading.questions':      total('reading_questions', 'Questions about recordings.'),
  'reading.refused':        total('reading_refused', 'Questions that were too many at a time.'),
  'reading.stalled':        total('reading_stalled', 'Answers that nobody read.'),
  'reading.faults':         total('reading_faults', 'Times that the reading thread ended by a fault.'),
  'reading.running':        gauge('reading_running', 'Questions that are being answered.'),
  'reading.waiting':        gauge('reading_waiting', 'Questions that wait for their turn.'),
  'reading.exports':        gauge('reading_exports', 'Exports that are under way.'),

  'alerts.rules':           gauge('alert_rules', 'Rules that are followed.'),
  'alerts.started':         total('alerts_started', 'Alerts that began.'),
  'alerts.forgotten':       total('alerts_forgotten', 'Alerts given up to make room.'),
  'alerts.late':            total('alerts_late_readings', 'Readings that came too late for a rule.'),
  'alerts.notFinite':       total('alerts_not_finite', 'Values that are no number to a rule.'),
  'alerts.refused':         total('alerts_refused', 'Alerts that were too many a minute.'),
  'alerts.latched':         gauge('alerts_latched', 'Causes that were too many for a rule.'),
  'alerts.stalls':          total('alerts_stalls', 'Times that rules had to wait for the processor.'),

  'accounts.throttled':     total('accounts_throttled', 'Log-ins that came faster than they may.'),
  'accounts.busy':          total('accounts_busy', 'Log-ins refused as too many were under way.'),
  'accounts.unsaved':       gauge('accounts_unsaved_logins', 'Log-ins that could not be saved yet.'),
  'accounts.auditDropped':  total('audit_dropped', 'Entries of the audit log that were given up.'),

  'exports.running':        gauge('exports_running', 'Exports to files that are under way.'),
  'exports.kept':           gauge('exports_kept', 'Finished exports that are kept.'),
  'exports.bytes':          gauge('exports_bytes', 'Bytes of the exports that are kept.'),
  'exports.failed':         total('exports_failed', 'Exports to files that broke off.'),
  'exports.removed':        total('exports_removed', 'Finished exports that made room or were too old.'),

  'mqtt.clients':           gauge('mqtt_clients', 'Clients of the broker that are connected.'),
  'mqtt.connections':       total('mqtt_connections', 'Connections to the broker that came in.'),
  'mqtt.received':          total('mqtt_received', 'Messages of clients that were taken in.'),
  'mqtt.sent':              total('mqtt_sent', 'Messages that were handed to clients.'),
  'mqtt.droppedSlow':       total('mqtt_dropped_slow', 'Messages of QoS 0 that clients read too slowly for.'),
  'mqtt.refusedFilters':    total('mqtt_refused_filters', 'Subscriptions that were refused.'),
  'mqtt.takenOver':         total('mqtt_taken_over', 'Connections that a newer one of the client took the place of.'),
  'mqtt.lost':              total('mqtt_connections_lost', 'Connections that broke.'),
  'mqtt.notKept':           total('mqtt_not_kept', 'Messages that could not be kept for who is away.'),
  'mqtt.closed.:reason':    total('mqtt_closed', 'Connections that the broker closed, by the reason.'),
  'mqtt-ports.port':        gauge('mqtt_port', 'Port of the broker.'),
  'mqtt-ports.securePort':  gauge('mqtt_secure_port', 'Port of the broker over TLS.'),
  'mqtt-ports.failedHandshakes': total('mqtt_failed_handshakes', 'Connections over TLS that did not come about.'),
  'mqtt-store.retained':    gauge('mqtt_retained', 'Messages that are kept for who subscribes.'),
  'mqtt-store.retainedBytes': gauge('mqtt_retained_bytes', 'What they take.'),
  'mqtt-store.retainedDropped': total('mqtt_retained_dropped', 'Messages that were too many to be kept.'),
  'mqtt-store.waiting':     gauge('mqtt_offline', 'Messages that wait for clients that are away.'),
  'mqtt-store.waitingBytes': gauge('mqtt_offline_bytes', 'What they take.'),
  'mqtt-store.waitingDropped': total('mqtt_offline_dropped', 'Messages that were too many for a client that is away.'),
  'mqtt-store.sessions':    gauge('mqtt_sessions', 'Sessions of clients that are kept.'),
  'mqtt-store.sessionsDisplaced': total('mqtt_sessions_displaced', 'Sessions that made room for newer ones.'),
  'mqtt-store.sessionsExpired': total('mqtt_sessions_expired', 'Sessions of clients that did not come back.'),
  'mqtt-store.unsaved':     gauge('mqtt_unsaved', 'Changes of what is kept that are not written yet.'),
  'mqtt-store.failures':    total('mqtt_store_failures', 'Writes that the disk refused.'),
  'mqtt-store.commits':     total('mqtt_store_commits', 'Writes of what is kept.'),
  'mqtt-publisher.dropped': total('mqtt_unpublished', 'Readings of the gateway that have no topic, or no room.'),
  '*.published':            total('mqtt_published', 'Messages that the gateway published, by where.'),
  '*.suppressed':           total('mqtt_suppressed', 'Values that were not worth a message, by where.'),
  'mqtt-ingest.taken':      total('mqtt_pushes', 'Pushes of clients that were stored.'),
  'mqtt-ingest.duplicates': total('mqtt_pushes_duplicate', 'Pushes that were stored before.'),
  'mqtt-ingest.refused':    total('mqtt_pushes_refused', 'Pushes that never will be stored.'),
  'mqtt-ingest.notNow':     total('mqtt_pushes_not_now', 'Pushes that are to come again.'),
  'mqtt-ingest.delayed':    total('mqtt_pushes_delayed', 'Pushes that came faster than they may.'),
  'mqtt-ingest.waiting':    gauge('mqtt_pushes_waiting', 'Pushes that wait to be stored.'),
  'mqtt-requests.requests': total('mqtt_requests', 'Commands that clients have asked.'),
  'mqtt-requests.errors':   total('mqtt_request_errors', 'Commands that were answered with an error.'),
  'mqtt-requests.repeated': total('mqtt_requests_repeated', 'Commands that came twice, and were done once.'),
  'mqtt-requests.limited':  total('mqtt_requests_limited', 'Commands that came faster than they may.'),
  'mqtt-requests.waiting':  gauge('mqtt_requests_waiting', 'Commands without an answer yet.'),
  'mqtt-requests.kept':     gauge('mqtt_request_answers', 'Answers that are kept to be given again.'),

  'bridge.backlogRecords':  gauge('bridge_backlog_records', 'Records that the cloud has not acknowledged.'),
  'bridge.backlogBytes':    gauge('bridge_backlog_bytes', 'About what they take on the way.'),
  'bridge.inFlight':        gauge('bridge_in_flight', 'Batches on their way to the cloud.'),
  'bridge.sent':            total('bridge_sent', 'Batches that were sent to the cloud.'),
  'bridge.pubacks':         total('bridge_pubacks', 'Batches that the broker of the cloud has taken.'),
  'bridge.acked':           total('bridge_acked', 'Acknowledgements of the cloud that were taken.'),
  'bridge.acksRefused':     total('bridge_acks_refused', 'Acknowledgements of the cloud that make no sense.'),
  'bridge.acksBack':        total('bridge_acks_back', 'Acknowledgements of less than before.'),
  'bridge.retries':         total('bridge_retries', 'Times that the bridge began anew with what was not acknowledged.'),
  'bridge.connections':     total('bridge_connections', 'Connections to the cloud.'),
  'bridge.bytesMonth':      gauge('bridge_month_bytes', 'Bytes sent to the cloud this month.'),
  'bridge.budgetBytes':     gauge('bridge_budget_bytes', 'Bytes that may be sent in a month.'),
  'bridge.gaps':            total('bridge_gaps', 'Records of which the cloud is told that they are lost.'),
  'bridge.refused':         total('bridge_refused', 'Records that cannot be sent as they are.'),
  'bridge.turnMsMax':       gauge('bridge_turn_max_seconds', 'The longest that the bridge kept the processor.', MS),
  'bridge.requestsAnswered': total('bridge_requests', 'Requests of the cloud that were answered.'),
  'bridge.requestsRefused': total('bridge_requests_refused', 'Requests of the cloud that were refused.'),
  'home-broker.dropped':    total('home_broker_dropped', 'Messages to it that were given up.'),
  'home-broker.replaced':   total('home_broker_replaced', 'Values that a newer one took the place of.'),
  'home-broker.connections': total('home_broker_connections', 'Connections to it.'),
  'home-broker.waiting':    gauge('home_broker_waiting', 'Messages that wait for it.'),
  'home-broker.inFlight':   gauge('home_broker_in_flight', 'Messages that it has not acknowledged.'),

  '*.sinceS':               gauge('part_state_seconds', 'For how long the part has been as it is.'),
  '*.simulated':            gauge('part_simulated', '1 where the data are simulated.'),
  '*.failures':             total('part_failures', 'Times that a link was lost or not found.'),
  '*.delivered':            total('action_delivered', 'Alerts that an action told of.'),
  '*.failed':               total('action_failed', 'Alerts that an action could not tell of.'),
  '*.retries':              total('action_retries', 'Times that an action was tried again.'),
  '*.dropped':              total('action_dropped', 'Alerts that were too many for an action.'),
  '*.withdrawn':            total('action_withdrawn', 'Alerts that were over before an action told of them.'),
  '*.waiting':              gauge('action_waiting', 'Alerts that wait for an action.'),

  '*.requests':             total('obd_requests', 'Requests to the vehicle.'),
  '*.values':               total('obd_values', 'Values that the vehicle told.'),
  '*.silent':               total('obd_silent', 'Requests without an answer.'),
  '*.malformed':            total('obd_malformed', 'Answers that make no sense.'),
  '*.timeouts':             total('obd_timeouts', 'Commands that the adapter did not answer.'),
  '*.restarts':             total('obd_restarts', 'Times that the adapter started by itself.'),
  '*.timing.requestMs':     gauge('obd_request_seconds', 'How long a request takes, on average.', MS),
  '*.timing.requestMaxMs':  gauge('obd_request_max_seconds', 'How long the slowest request took.', MS),
  '*.disturbed':            total('obd_disturbed', 'Answers that were disturbed on the bus.'),
  '*.unexpected':           total('obd_unexpected', 'Answers to something that was not asked.'),
  '*.incomplete':           total('obd_incomplete', 'Answers of which a part is missing.'),
  '*.badLines':             total('obd_bad_lines', 'Lines of the adapter that make no sense.'),
  '*.garbageLines':         total('obd_garbage_lines', 'Lines that came before anything was asked.'),
  '*.commands':             total('obd_commands', 'Commands to the adapter.'),
  '*.strayBytes':           total('obd_stray_bytes', 'Bytes that nobody had asked for.'),
  '*.strayPrompts':         total('obd_stray_prompts', 'Prompts that nobody had asked for.'),
  '*.timing.commandMs':     gauge('obd_command_seconds', 'How long the adapter takes by itself.', MS),
  '*.timing.ecuMs':         gauge('obd_ecu_seconds', 'How long the vehicle takes, on average.', MS),
  '*.timing.ecuMaxMs':      gauge('obd_ecu_max_seconds', 'How long the vehicle took at the longest.', MS),
  '*.diagnosis.abandoned':  total('obd_abandoned', 'Requests of diagnosis that were given up.'),
  '*.answerMs.:ecu':        gauge('obd_answer_seconds', 'How long each control unit took to begin its last answer.', MS),
  '*.answerMaxMs.:ecu':     gauge('obd_answer_max_seconds', 'How long each control unit took at the longest.', MS),
  '*.unasked':              total('obd_unasked', 'Messages of control units that answer nothing that was asked.'),
  '*.strangers':            total('obd_strangers', 'Frames of more control units than a car has.'),
  '*.unsent':               total('obd_unsent', 'Requests that the bus did not take.'),
  '*.isoTp.received':       total('isotp_received', 'Messages of control units that came whole.'),
  '*.isoTp.dropped':        total('isotp_dropped', 'Frames that were damaged, out of order or without a beginning.'),
  '*.isoTp.incomplete':     total('isotp_incomplete', 'Messages that were given up half way.'),
  '*.isoTp.timeouts':       total('isotp_timeouts', 'Messages for which somebody took too long.'),
  '*.isoTp.overflows':      total('isotp_overflows', 'Messages that are longer than any may be.'),
  '*.guard.ratePerS':       gauge('can_guard_rate_hertz', 'Requests a second that may be sent.'),
  '*.guard.requests':       total('can_guard_requests', 'Requests that were let through to the bus.'),
  '*.guard.flowControls':   total('can_guard_flow_controls', 'Frames of flow control that were let through.'),
  '*.guard.refused.:reason': total('can_guard_refused', 'Frames that were not let through to the bus.'),
  '*.listenOnly':           gauge('can_listen_only', '1 where nothing can be sent on the bus.'),
  '*.idBits':               gauge('can_identifier_bits', 'Bits of the identifiers that the vehicle answers with.'),
  '*.bus.received':         total('can_received', 'Data frames of the bus.'),
  '*.bus.sent':             total('can_sent', 'Frames that were sent.'),
  '*.bus.unsent':           total('can_unsent', 'Frames that could not be sent.'),
  '*.bus.remote':           total('can_remote', 'Remote frames, in which there is nothing.'),
  '*.bus.fd':               total('can_fd', 'Frames of CAN FD, which are not read.'),
  '*.bus.errorFrames':      total('can_error_frames', 'Error frames.'),
  '*.bus.busOffs':          total('can_bus_offs', 'Times that the controller went off the bus.'),
  '*.bus.lost':             total('can_lost', 'Frames that did not reach the gateway.'),
  '*.bus.malformed':        total('can_malformed', 'Records of the link that are no frame.'),
  '*.bitRate':              gauge('can_bit_rate_hertz', 'Bits a second of the bus.'),
  '*.rate':                 gauge('can_frame_rate_hertz', 'Frames a second, over the last ones.'),
  '*.load':                 gauge('can_load_ratio', 'How much of its time the bus is busy.', 0.01),
  '*.txErrors':             gauge('can_tx_errors', 'Error counter of sending.'),
  '*.rxErrors':             gauge('can_rx_errors', 'Error counter of receiving.'),
  '*.ids':                  gauge('can_ids', 'Identifiers that came.'),
  '*.unknownIds':           gauge('can_unknown_ids', 'Those that no DBC file has.'),
  '*.untrackedFrames':      total('can_untracked', 'Frames of identifiers that are too many.'),
  '*.stopped':              gauge('can_stopped_ids', 'Identifiers that came in a rhythm and come no more.'),
  '*.signals.told':         total('can_samples', 'Values of signals that were told.'),
  '*.signals.merged':       total('can_samples_merged', 'Changes that were over before they could be told.'),
  '*.signals.missing':      total('can_signals_missing', 'Signals that frames were too short for.'),
  '*.signals.messagesLeftOut': gauge('can_messages_left_out', 'Messages that are too many to be decoded.'),
  '*.signals.changeMs':     gauge('can_change_seconds', 'Between two changes of a signal.', MS),

  '*.packets':              total('eeg_packets', 'Packets of the headset.'),
  '*.badChecksums':         total('eeg_bad_checksums', 'Packets that were damaged.'),
  '*.resyncs':              total('link_resyncs', 'Times that the beginning of a packet was lost.'),
  '*.skippedBytes':         total('eeg_skipped_bytes', 'Bytes that belong to no packet.'),
  '*.hz':                   gauge('eeg_rate_hertz', 'Measured rate of the headset.'),
  '*.ppm':                  gauge('eeg_rate_error_ratio', 'How far the rate is from the nominal one.', 1e-6),
  '*.doubted':              total('eeg_doubted', 'Packets that were not believed.'),
  '*.rowOverflows':         total('eeg_row_overflows', 'Rows that are longer than their packet.'),
  '*.unknownRows':          total('eeg_unknown_rows', 'Rows that nothing is known of.'),
  '*.legacyRows':           total('eeg_legacy_rows', 'Rows of early headsets.'),
  '*.notComputed':          total('eeg_not_computed', 'Values that the headset could not compute.'),
  '*.outOfRange':           total('eeg_out_of_range', 'Values that cannot be.'),
  '*.lost.:cause':          total('eeg_lost_samples', 'Samples that are missing, by the cause.'),
};

/** Told of by the metrics of the alerts. */
const ELSEWHERE = /^alerts\.(ongoing|latencyMs)/;
const OTHER: Row = gauge('part_detail', 'What else a part counts or measures, as it calls it.');

/** Everything that is a number in the details of the parts. */
export function detailMetrics(parts: readonly PartHealth[]): Metric[] {
  const found = new Map<Row, Sample[]>();
  for (const { id, details } of parts) {
    for (const [key, value] of numbersIn(details)) {
      if (ELSEWHERE.test(`${id}.${key}`)) continue;
      const [row, labels] = rowOf(id, key);
      const samples = found.get(row) ?? [];
      found.set(row, [...samples, { labels, value: value * row.factor }]);
    }
  }
  return [...found].map(([{ name, type, help }, samples]) => {
    return { name: `vigil_${name}`, type, help, samples };
  });
}

function rowOf(part: string, key: string): readonly [Row, Sample['labels']] {
  const exact = ROWS[`${part}.${key}`];
  if (exact) return [exact, {}];
  const shared = ROWS[`*.${key}`];
  if (shared) return [shared, { part }];
  const last = key.slice(key.lastIndexOf('.') + 1);
  for (const [scope, labels] of [
    [part, {}],
    ['*', { part }],
  ] as const) {
    const above = `${scope}.${key.slice(0, -last.length)}:`;
    const [path, row] = Object.entries(ROWS).find(([one]) => one.startsWith(above)) ?? [];
    if (path && row) return [row, { ...labels, [path.slice(above.length)]: last }];
  }
  return [OTHER, { part, detail: key }];
}

/** With their paths; lists are left out, as a place in one names nothing. Yes and no are 1 and 0. */
function numbersIn(details: { readonly [key: string]: Json }): [string, number][] {
  return Object.entries(details).flatMap(([key, value]): [string, number][] => {
    if (typeof value === 'number') return [[key, value]];
    if (typeof value === 'boolean') return [[key, Number(value)]];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    const below = numbersIn(value as { readonly [key: string]: Json });
    return below.map(([path, number]) => [`${key}.${path}`, number]);
  });
}

function total(name: string, help: string): Row {
  return { name: `${name}_total`, type: 'counter', help, factor: 1 };
}

function gauge(name: string, help: string, factor = 1): Row {
  return { name, type: 'gauge', help, factor };
}
