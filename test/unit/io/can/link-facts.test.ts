import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseIpFacts, readLink } from '../../../../src/io/can/link-facts.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'vigil-net-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function link(name: string, type: number, flags: string): void {
  const files = {
    type: `${type}\n`,
    flags: `${flags}\n`,
    'statistics/rx_packets': '12\n',
    'statistics/tx_packets': '3\n',
  };
  mkdirSync(path.join(root, name, 'statistics'), { recursive: true });
  for (const [file, text] of Object.entries(files))
    writeFileSync(path.join(root, name, file), text);
}

test('an interface is read from its files', () => {
  link('can0', 280, '0x40081');
  link('can1', 280, '0x40080');
  link('eth0', 1, '0x1003');
  const counters = { rxPackets: 12, txPackets: 3 };
  expect(readLink('can0', root)).toEqual({ isCan: true, up: true, ...counters });
  expect(readLink('can1', root)).toEqual({ isCan: true, up: false, ...counters });
  expect(readLink('eth0', root)).toEqual({ isCan: false, up: true, ...counters });
  expect(readLink('can2', root)).toBeUndefined();
});

/** What `ip -json -details link show can0` of iproute2 6.1 prints of an SJA1000, less what is of no interest. */
const CONTROLLER = {
  ifname: 'can0',
  flags: ['NOARP', 'UP', 'LOWER_UP', 'ECHO'],
  mtu: 16,
  link_type: 'can',
  linkinfo: {
    info_kind: 'can',
    info_data: {
      ctrlmode: ['LISTEN-ONLY', 'BERR-REPORTING'],
      ctrlmode_supported: ['LOOPBACK', 'LISTEN-ONLY', 'ONE-SHOT', 'BERR-REPORTING'],
      state: 'ERROR-PASSIVE',
      berr_counter: { tx: 3, rx: 128 },
      restart_ms: 100,
      bittiming: { bitrate: 500_000, sample_point: '0.875', tq: 125 },
      clock: 8_000_000,
    },
  },
};

test('a controller tells its rate, its state and its counters', () => {
  expect(parseIpFacts(JSON.stringify([CONTROLLER]))).toEqual({
    kind: 'can',
    state: 'passive',
    bitRate: 500_000,
    listenOnly: true,
    fd: false,
    txErrors: 3,
    rxErrors: 128,
  });
});

test('a controller that could listen only, and does not', () => {
  const data = { state: 'ERROR-ACTIVE', ctrlmode_supported: ['LISTEN-ONLY', 'FD'] };
  const info = { info_kind: 'can', info_data: data };
  expect(parseIpFacts(JSON.stringify([{ ifname: 'can0', linkinfo: info }]))).toMatchObject({
    listenOnly: false,
    fd: false,
  });
});

test.each([
  ['ERROR-ACTIVE', 'active'],
  ['ERROR-WARNING', 'warning'],
  ['BUS-OFF', 'off'],
  ['STOPPED', 'unknown'],
  ['__proto__', 'unknown'],
])('the state %s is %s', (state, expected) => {
  const info = { info_kind: 'can', info_data: { state, ctrlmode: ['FD'] } };
  const facts = parseIpFacts(JSON.stringify([{ ifname: 'can0', linkinfo: info }]));
  expect(facts).toMatchObject({ state: expected, fd: true, listenOnly: false });
});

test('a virtual bus tells nothing of these', () => {
  const virtual = { ifname: 'vcan0', linkinfo: { info_kind: 'vcan' } };
  expect(parseIpFacts(JSON.stringify([virtual]))).toEqual({
    kind: 'vcan',
    state: 'unknown',
    bitRate: undefined,
    listenOnly: undefined,
    fd: false,
    txErrors: undefined,
    rxErrors: undefined,
  });
});

test.each(['', 'null', '[]', '[{}]', '3: can0: <NOARP,UP>', '{"ifname":"can0"}'])(
  'what is none of its lists says nothing: %s',
  (text) => expect(parseIpFacts(text)).toBeUndefined(),
);
