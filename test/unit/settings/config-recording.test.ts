import { expect, test } from 'vitest';
import { readConfig } from '../../../src/settings/config.ts';

const config = (...flags: readonly string[]) => readConfig(flags, {}, () => '').config;

test('time may pass faster where nothing real is measured', () => {
  expect(config('--sim', '1', '--speed', '100').speed).toBe(100);
  expect(config('--replay', '3', '--speed', '10')).toMatchObject({ replay: 3, speed: 10 });
  expect(config('--obd', 'sim:', '--speed', '10').speed).toBe(10);
  const reason = 'speed: expected 1, as only a simulation or a replay can be faster, found 2';
  expect(() => config('--speed', '2')).toThrow(reason);
  const car = ['--obd', 'serial:///dev/ttyUSB0'];
  expect(() => config('--speed', '2', '--sim', '1', ...car)).toThrow(reason);
  expect(() => config('--sim', '1', '--speed', '0')).toThrow('from 1 to 1000');
});

test('the quota is told in megabytes, and is no smaller than its first zeros', () => {
  expect(config('--quota', '16').quota).toBe(16);
  expect(() => config('--quota', '1')).toThrow(
    'flag --quota: expected megabytes: a whole number from 16 to 1000000, found 1',
  );
});
