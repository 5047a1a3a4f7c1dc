import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { anchorEpoch, readWall } from '../../../src/io/clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const RELEASE_MS = Date.UTC(2026, 10, 1);
let directory = '';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-clock-'));
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

/** The trust on a host whose real-time clock says `rtc`, as the kernel's file has it. */
function trust({
  now = RELEASE_MS,
  rtc,
  ntp = false,
}: {
  now?: number;
  rtc?: string;
  ntp?: boolean;
}) {
  const files = { ntp: path.join(directory, 'ntp'), rtc: path.join(directory, 'rtc') };
  if (ntp) writeFileSync(files.ntp, '');
  if (rtc !== undefined) writeFileSync(files.rtc, rtc);
  vi.setSystemTime(now);
  return anchorEpoch(1, new FakeClock(), { files }).trust;
}

const AT_RELEASE = `${RELEASE_MS / 1000}\n`;

test('a clock that NTP has set is believed most', () => {
  expect(trust({ ntp: true, rtc: AT_RELEASE })).toBe('ntp');
});

test('a real-time clock that kept its time is believed', () => {
  expect(trust({ rtc: AT_RELEASE })).toBe('rtc');
});

test.each([
  ['there is none', {}],
  ['it says nothing', { rtc: '' }],
  ['it began again at 1970, as without a battery', { rtc: '17\n' }],
  [
    'the wall clock is before the release whatever it says',
    { now: RELEASE_MS - 1, rtc: AT_RELEASE },
  ],
])('a real-time clock is not believed where %s', (_why, host) => {
  expect(trust(host)).toBe('none');
});

test('nor where it cannot be read', () => {
  vi.setSystemTime(RELEASE_MS);
  const files = { ntp: path.join(directory, 'ntp'), rtc: directory };
  expect(anchorEpoch(1, new FakeClock(), { files }).trust).toBe('none');
});

test('a clock that runs faster is not believed, whatever has set the wall clock, and of no boot', () => {
  const files = { ntp: path.join(directory, 'ntp'), rtc: path.join(directory, 'rtc') };
  writeFileSync(files.ntp, '');
  vi.setSystemTime(RELEASE_MS);
  expect(anchorEpoch(1, new FakeClock(), { files }).trust).toBe('ntp');
  expect(anchorEpoch(1, new FakeClock(), { files, speed: 10 })).toMatchObject({
    trust: 'none',
    bootId: '',
    wallMs: RELEASE_MS,
  });
  // What the timekeeper is told later makes it no better.
  expect(readWall({ files }).trust).toBe('ntp');
  expect(readWall({ files, speed: 10 }).trust).toBe('none');
});
