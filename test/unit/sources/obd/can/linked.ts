import { CanLink } from '../../../../../src/sources/obd/can/can-link.ts';
import { NO_MESSAGES } from '../../../../../src/sources/obd/can/ecu-lines.ts';
import { Guard } from '../../../../../src/sources/obd/can/guard.ts';
import type { Outcome } from '../../../../../src/sources/obd/scan-tool.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { type BusScript, type Said, ScriptedBus } from './scripted-bus.ts';

/** The first list of PIDs of an ECU. */
export const BITMAP = '4100BE3EB813';

/** What the ECUs say to requests that are written without the identifier. */
export function byRequest(table: Readonly<Record<string, readonly (string | Said)[]>>): BusScript {
  return { answers: (request) => table[request] ?? table[request.split(' ')[1] ?? ''] ?? [] };
}

/** A link on a scripted bus, with the guard in between. */
export function linked(script: BusScript, ratePerS = 10) {
  const clock = new FakeClock();
  const guard = new Guard({ ratePerS, clock });
  const bus = new ScriptedBus(clock, { permit: guard.permit, ...script });
  const stop = new AbortController();
  const counters = { unasked: 0, strangers: 0, unsent: 0 };
  const link = new CanLink({
    ...{ bus, guard, clock, counters, signal: stop.signal, messages: NO_MESSAGES },
  });
  bus.listen((frame, t) => link.hear(frame, t));
  /** Waits for the outcome; also how long it took, in milliseconds. */
  const take = async <T>(work: Promise<T>) => {
    const from = clock.now();
    let ms = Number.NaN;
    const done = work.finally(() => {
      ms = (clock.now() - from) / 1000;
    });
    done.catch(() => {});
    for (let n = 0; n < 2_000 && Number.isNaN(ms); n++) await clock.advance(5);
    return { result: await done, ms };
  };
  const connected = async () => {
    const { result } = await take(link.connect());
    await clock.advance(100);
    return result;
  };
  return { clock, guard, bus, link, counters, take, connected, stop };
}

/** `7e8 410C1AF8` for each response; or the kind of outcome where there is none. */
export function told(outcome: Outcome): readonly string[] {
  if (outcome.kind !== 'answered') return [outcome.kind];
  return outcome.responses.map(
    ({ ecu, pdu }) => `${ecu} ${Buffer.from(pdu).toString('hex').toUpperCase()}`,
  );
}

/** The answers of a car with engine and transmission. */
export const TWO_ECUS = { '0100': [`7e8 ${BITMAP}`, { answer: '7e9 41000018C000', afterMs: 20 }] };
