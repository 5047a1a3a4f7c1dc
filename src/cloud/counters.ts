/** What an instance counts, since its start. */
export class Counters {
  batches = 0;
  bytes = 0;
  rows = 0;
  /** Rows that were there already. */
  duplicates = 0;
  /** Put aside, by code. */
  readonly refused = new Map<string, number>();
  commits = 0;
  /** Transactions that were tried again. */
  retries = 0;
  /** Messages given back to the broker. */
  returned = 0;
  acks = 0;
  dropped = 0;
  /** Rows of sessions that were removed. */
  erased = 0;
  /** Sessions and stretches that are still to be erased, when it was last looked. */
  erasuresWaiting = 0;
  /** Seconds that transactions took. */
  commitS = 0;

  refuse(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}

/** Of this moment. */
export interface Gauges {
  readonly brokerConnected: boolean;
  readonly acksConnected: boolean;
  readonly databaseReachable: boolean;
  /** Messages that wait for their commit. */
  readonly waiting: number;
  /** Acknowledgements that wait for the broker. */
  readonly acksWaiting: number;
}

/** Prometheus text format 0.0.4. */
export function metricsText(counters: Counters, gauges: Gauges): string {
  const { refused } = counters;
  const lines = [
    ...metric('batches_total', 'counter', 'Batches that came in.', counters.batches),
    ...metric('batch_bytes_total', 'counter', 'Bytes of batches that came in.', counters.bytes),
    ...metric('rows_total', 'counter', 'Rows of batches that were committed.', counters.rows),
    ...metric(
      'duplicate_rows_total',
      'counter',
      'Rows that were there already.',
      counters.duplicates,
    ),
    ...metric('commits_total', 'counter', 'Transactions committed.', counters.commits),
    ...metric('commit_seconds_total', 'counter', 'Time that transactions took.', counters.commitS),
    ...metric('retries_total', 'counter', 'Transactions tried again.', counters.retries),
    ...metric('returned_total', 'counter', 'Messages given back to the broker.', counters.returned),
    ...metric('acks_total', 'counter', 'Acknowledgements published.', counters.acks),
    ...metric('acks_dropped_total', 'counter', 'Acknowledgements left out.', counters.dropped),
    ...metric('erased_rows_total', 'counter', 'Rows of removed sessions.', counters.erased),
    ...heading('refused_total', 'counter', 'Batches put aside.'),
    ...[...refused].map(([code, n]) => `vigil_cloud_refused_total{code="${code}"} ${n}`),
    ...metric('broker_connected', 'gauge', 'AMQP connection.', Number(gauges.brokerConnected)),
    ...metric('acks_connected', 'gauge', 'MQTT connection.', Number(gauges.acksConnected)),
    ...metric('database_reachable', 'gauge', 'Last transaction.', Number(gauges.databaseReachable)),
    ...metric('waiting', 'gauge', 'Messages that wait for their commit.', gauges.waiting),
    ...metric(
      'erasures_waiting',
      'gauge',
      'Removed sessions and stretches of them that are still to be erased.',
      counters.erasuresWaiting,
    ),
    ...metric('acks_waiting', 'gauge', 'Acknowledgements that wait.', gauges.acksWaiting),
  ];
  return `${lines.join('\n')}\n`;
}

function heading(name: string, type: string, help: string): string[] {
  return [`# HELP vigil_cloud_${name} ${help}`, `# TYPE vigil_cloud_${name} ${type}`];
}

function metric(name: string, type: string, help: string, value: number): string[] {
  return [...heading(name, type, help), `vigil_cloud_${name} ${value}`];
}
