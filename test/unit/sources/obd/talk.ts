import { EcuTalk } from '../../../../src/sources/obd/ecu-talk.ts';
import type { Outcome } from '../../../../src/sources/obd/scan-tool.ts';
import { answers, ENGINE, SILENT } from '../../../support/diagnosis.ts';

/** A car that stands, and says so. */
export const STANDS = answers(`${ENGINE} 410D00`);

/** The engine's control unit, which says what stands in the table; silence to all else. */
export function talkTo(said: Readonly<Record<string, Outcome>>, speed: Outcome = STANDS) {
  const asked: string[] = [];
  /** Moved by a test, in microseconds. */
  const time = { now: 0 };
  const link = {
    request: (hex: string): Promise<Outcome> => {
      asked.push(`all ${hex}`);
      return Promise.resolve(speed);
    },
    askEcu: (ecu: string, hex: string): Promise<Outcome> => {
      asked.push(`${ecu} ${hex}`);
      return Promise.resolve(said[hex] ?? SILENT);
    },
  };
  const talk = new EcuTalk({ link, ecu: ENGINE, now: () => time.now });
  return { talk, asked, time };
}
