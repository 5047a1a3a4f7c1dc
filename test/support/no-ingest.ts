/** What the routes get where nothing takes what clients send. */
import type { Gateway } from '../../src/http/routes/index.ts';
import { IngestError } from '../../src/ingest/errors.ts';

export function noIngest(): Gateway['ingest'] {
  const off = () => new IngestError('BUSY', 'nothing is taken here');
  return {
    now: () => 0,
    epoch: 1,
    send: () => Promise.reject(off()),
    mark: () => Promise.reject(off()),
    tellClock: () => {
      throw off();
    },
  };
}
