import { expect, test } from 'vitest';
import { parseSettings } from '../../../src/cloud/settings.ts';

const GOOD = {
  VIGIL_CLOUD_AMQP: 'amqp://ingest:secret@broker',
  VIGIL_CLOUD_MQTT: 'mqtt://ingest:se%3Acret@broker',
  VIGIL_CLOUD_DATABASE: 'postgres://vigil:secret@database/vigil',
};

test('three addresses are enough', () => {
  const { mqtt, metrics, retentionDays, log } = parseSettings(GOOD);
  expect(mqtt).toEqual({
    ...{ host: 'broker', port: 1883, tls: false, user: 'ingest', password: 'se:cret' },
  });
  expect(metrics).toEqual({ host: '127.0.0.1', port: 9090 });
  expect([...retentionDays]).toEqual([
    ['eeg_data', 365],
    ['obd_data', 365],
    ['can_frames', 90],
  ]);
  expect(log).toBe('info');
});

test('TLS has a port of its own, and days that are 0 are for ever', () => {
  const { mqtt, retentionDays } = parseSettings({
    ...GOOD,
    VIGIL_CLOUD_MQTT: 'mqtts://[::1]',
    VIGIL_CLOUD_EEG_DAYS: '0',
    VIGIL_CLOUD_ALERT_DAYS: '3650',
  });
  expect(mqtt).toEqual({ host: '::1', port: 8883, tls: true });
  expect(retentionDays.has('eeg_data')).toBe(false);
  expect(retentionDays.get('alerts')).toBe(3650);
});

test.each([
  ['AMQP', undefined, 'VIGIL_CLOUD_AMQP is not set: expected amqp:// or amqps://user'],
  ['AMQP', '', 'VIGIL_CLOUD_AMQP is not set'],
  ['AMQP', 'http://u:secret@broker', 'found one that begins with http:'],
  [
    'MQTT',
    'secret',
    'VIGIL_CLOUD_MQTT: expected mqtt:// or mqtts://user:password@host, found no address',
  ],
  ['AMQP', 'amqp://u:100%secret@broker', 'VIGIL_CLOUD_AMQP: a % that begins no character'],
  ['MQTT', 'mqtt://u:100%secret@broker', 'VIGIL_CLOUD_MQTT: a % that begins no character'],
  ['DATABASE', 'postgres://u:100%secret@d/v', 'VIGIL_CLOUD_DATABASE: a % that begins no'],
  ['DATABASE', 'postgres:vigil', 'VIGIL_CLOUD_DATABASE: expected'],
  ['METRICS', '9090', 'VIGIL_CLOUD_METRICS: expected host:port, found "9090"'],
  ['METRICS', 'host:99999', 'expected host:port'],
  ['EEG_DAYS', '-1', 'VIGIL_CLOUD_EEG_DAYS: expected days, 0 to 36500, found "-1"'],
  ['CAN_DAYS', '1.5', 'expected days'],
  ['LOG', 'loud', 'VIGIL_CLOUD_LOG: expected debug, info, warn, error, found "loud"'],
])('%s of %j is refused, and no password is shown', (name, value, sentence) => {
  const parse = () => parseSettings({ ...GOOD, [`VIGIL_CLOUD_${name}`]: value });
  expect(parse).toThrow(sentence);
  expect(parse).not.toThrow('secret');
});
