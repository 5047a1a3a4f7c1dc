import type { Gateway } from '../../src/http/routes/index.ts';
import { StoreError } from '../../src/store/errors.ts';

/** What the routes get of a gateway whose store is not open. */
export function noReading(): Gateway['reading'] {
  const refuse = (): never => {
    throw new StoreError('OFF', 'the store is not open: the disk is full');
  };
  return {
    sessions: refuse,
    epochs: () => new Map(),
    inTime: (change) => change,
    statistics: async () => refuse(),
    data: async () => refuse(),
    recent: async () => refuse(),
    events: async () => refuse(),
    export: async () => refuse(),
    backtest: async () => refuse(),
  };
}
