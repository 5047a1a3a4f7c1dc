/** Rules and alerts as the routes get them: the real ones, on records that forget with the process. */
import type { Alert, AlertRule } from '#core/alert.ts';
import type { Clock } from '#core/clock.ts';
import type { Emit, Stream } from '#core/stream.ts';
import { DeliveryError } from '../../../src/alerts/actions/action.ts';
import { AlertBook } from '../../../src/alerts/book.ts';
import { AlertEngine } from '../../../src/alerts/engine.ts';
import { AlertError } from '../../../src/alerts/errors.ts';
import { KnownStreams } from '../../../src/alerts/known-streams.ts';
import { Rules } from '../../../src/alerts/rules.ts';
import { RuleSet } from '../../../src/alerts/watch/rule-set.ts';
import type { Gateway } from '../../../src/http/routes/index.ts';
import { MemoryRecords } from '../../support/alert-fixture.ts';
import { stream } from './fakes.ts';

export const EPOCH = 7;

export const coolant = stream('obd.engine.coolant', {
  name: 'Engine coolant temperature',
  unit: 'Cel',
  range: [-40, 215],
});
export const speed = stream('obd.vehicle.speed', {
  name: 'Vehicle speed',
  unit: 'km/h',
  range: [0, 255],
});
export const dtc = stream('obd.dtc', { name: 'Trouble code', kind: 'event', hz: 0 });
export const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, unit: 'uV', range: [-1000, 1000] });
export const STREAMS: readonly Stream[] = [coolant, speed, dtc, eeg];

/** A rule as somebody writes it, with as little as will do. */
export const HOT = {
  name: 'Oven!',
  stream: coolant.id,
  when: { op: '>', value: 100, clear: 95 },
  severity: 'warn',
};

interface Options {
  readonly clock: Clock;
  /** The bus. */
  readonly emit?: Emit;
  readonly rules?: readonly AlertRule[];
  readonly alerts?: readonly Alert[];
}

/** An `alerting` of a gateway with these streams, and the parts behind it. */
export function createAlerting({ clock, emit = () => {}, rules = [], alerts = [] }: Options) {
  const ruleRecords = new MemoryRecords<string, AlertRule>(rules);
  const alertRecords = new MemoryRecords<string, Alert>(alerts);
  const situation = { localTime: () => undefined, studies: new Set<string>() };
  const ruleSet = new RuleSet(situation, (id) => STREAMS.find((one) => one.id === id));
  const book = new AlertBook(alertRecords, {
    ...{ epoch: EPOCH, now: () => clock.now(), emit, notify: () => [] },
  });
  const known = new KnownStreams(() => STREAMS, ['mail']);
  const kept = new Rules(ruleRecords, {
    surroundings: () => known.surroundings(),
    changed: (all) => engine.setRules(all),
    tell: () => {},
  });
  const engine = new AlertEngine({
    ruleSet,
    rules: kept,
    book,
    clock,
    realTime: clock,
    speed: 1,
    momentOf: () => undefined,
  });
  engine.resume();
  const tested: string[] = [];
  const alerting: Gateway['alerting'] = {
    rules: kept,
    ongoing: () => book.ongoing(),
    list: (query) => book.list(query),
    get: (id) => book.get(id),
    acknowledge: (id, by) => engine.acknowledge(id, by),
    silence: (id, minutes) => book.silence(id, minutes),
    note: (id, by, text) => book.note(id, by, text),
    actions: () => [
      { id: 'mail', kind: 'mail', status: 'ok', text: 'nothing waits' },
      { id: 'horn', kind: 'buzzer', status: 'failed', text: 'there is no line 17' },
    ],
    test: async (id) => {
      tested.push(id);
      if (id === 'horn') throw new DeliveryError('REFUSED', 'line 17: no such line');
      if (id === 'bug') throw new TypeError('a bug');
      if (id !== 'mail') throw new AlertError('NOT_FOUND', `there is no action "${id}"`);
    },
  };
  return { alerting, engine, book, ruleRecords, alertRecords, tested };
}
