import type { Clock } from '#core/clock.ts';
import type { Emit, Stream } from '#core/stream.ts';
import { Ingest } from '../ingest/ingest.ts';
import type { Recording } from './recording.ts';

export interface IngestingOptions {
  readonly clock: Clock;
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly recording: Recording;
  readonly emit: Emit;
  /** What the gateway itself measures and tells: no client may send under these ids. */
  ownStreams(): readonly Stream[];
}

/** What clients send, tied to the recording. */
export function createIngest({ recording, ...options }: IngestingOptions): Ingest {
  return new Ingest({
    ...options,
    epoch: recording.epoch.id,
    store: recording.ingestStore(),
    session: (id) => recording.reading.sessions().get(id),
  });
}
