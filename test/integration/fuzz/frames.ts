/** WebSocket messages at random: most of them nearly right. */
import { anyText, anyValue, pick, type Random } from './values.ts';

const TYPES = [
  ...[
    'subscribe',
    'unsubscribe',
    'ping',
    'time',
    'auth',
    'data',
    'marker',
    'hello',
    '__proto__',
    '',
  ],
] as const;

export function fuzzMessage(random: Random): string | Uint8Array<ArrayBuffer> {
  const chance = random();
  if (chance < 0.05) return new Uint8Array(random() * 200).fill(random() * 256);
  if (chance < 0.1) return anyText(random).toWellFormed();
  if (chance < 0.15) return JSON.stringify(anyValue(random)) ?? '';
  const message = {
    type: pick(random, TYPES),
    ...(random() < 0.5 && { id: pick(random, [1, 'a', null, {}]) }),
    ...(random() < 0.6 && {
      streams: pick(random, [['obd.*'], ['*'], [], ['x y'], 5, ['eeg.raw']]),
    }),
    ...(random() < 0.4 && { maxHz: pick(random, [1, 50, 0, -1, 1e9, 'x']) }),
    ...(random() < 0.3 && { format: pick(random, ['bin', 'json', 'x']) }),
    ...(random() < 0.2 && { since: pick<unknown>(random, [{ epoch: 1, seq: 0 }, {}, 5]) }),
    ...(random() < 0.3 && { t: pick(random, [0, 1e6, -1, 1e300, 'x']), t1: random() }),
    ...(random() < 0.3 && { stream: pick(random, ['eeg', 'face', 'game', 'obd.engine.rpm']) }),
    ...(random() < 0.3 && { seq: pick(random, [0, 1, 2, -1, 2 ** 53, 'x']), client: 'fuzz' }),
    ...(random() < 0.3 && { values: anyValue(random), items: anyValue(random) }),
    ...(random() < 0.2 && { access_token: anyText(random), text: anyText(random) }),
  };
  return JSON.stringify(message);
}
