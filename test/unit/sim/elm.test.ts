import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CarOptions, createCar } from '../../../src/sim/car.ts';
import { createVehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter, type ElmOptions } from '../../../src/sim/elm.ts';

const START = 20e6;

type Options = Partial<Omit<ElmOptions, 'vehicle'>> & { car?: CarOptions };

/** A host that types a command and reads until the adapter has nothing more to say. */
class Host {
  readonly adapter: ElmAdapter;
  now = START;

  constructor({ car = { trouble: 'none' }, ...options }: Options = {}) {
    const vehicle = createVehicle(createCar(1, car));
    this.adapter = new ElmAdapter({ vehicle, paced: false, ...options });
  }

  ask(command: string): string {
    this.type(`${command}\r`);
    return this.read();
  }

  type(text: string): void {
    this.now += 1000;
    this.adapter.receive(Buffer.from(text, 'latin1'), this.now);
  }

  read(): string {
    let text = '';
    for (let at = this.adapter.nextAt(); at !== undefined; at = this.adapter.nextAt()) {
      this.now = Math.max(this.now, at);
      text += Buffer.from(this.adapter.take(this.now) ?? []).toString('latin1');
    }
    return text;
  }

  /** Sends commands whose answers do not matter. */
  set(...commands: string[]): this {
    for (const command of commands) this.ask(command);
    return this;
  }
}

test('fresh from power-on it echoes, prints spaces and hides headers', () => {
  const host = new Host();
  expect(host.ask('ATZ')).toBe('ATZ\r\r\rELM327 v2.1\r\r>');
  expect(host.ask('at i')).toBe('at i\rELM327 v2.1\r\r>');
  expect(host.ask('AT@1')).toBe('AT@1\rOBDII to RS232 Interpreter\r\r>');
  expect(host.ask('0100')).toBe('0100\rSEARCHING...\r41 00 BE 3F B8 13 \r41 00 80 08 00 11 \r\r>');
  expect(host.ask('ATL1')).toBe('ATL1\rOK\r\n\r\n>');
  expect(host.ask('ATE0')).toBe('ATE0\r\nOK\r\n\r\n>');
  expect(host.ask('ATI')).toBe('ELM327 v2.1\r\n\r\n>');
});

test.each([
  ['6', '7E8064100BE3FB81355\r7E90641008008001155\r\r>', '7E80443010301555555', 'A6'],
  [
    '7',
    '18DAF110064100BE3FB81355\r18DAF1110641008008001155\r\r>',
    '18DAF1100443010301555555',
    'A7',
  ],
  ['2', '486B104100BE3FB8134F\r486B1141008008001142\r\r>', '486B104303010000000010', 'A2'],
  ['3', '486B104100BE3FB813CC\r486B114100800800119E\r\r>', '486B10430301000000000A', 'A3'],
  ['5', '86F1104100BE3FB81390\r86F11141008008001162\r\r>', '87F11043030100000000CF', 'A5'],
] as const)('protocol %s prints frames with headers', (protocol, bitmap, codes, number) => {
  const host = new Host({ protocol, car: { trouble: 'P0301' } }).set(
    'ATE0',
    'ATS0',
    'ATH1',
    '0100',
  );
  expect(host.ask('0100')).toBe(bitmap);
  expect(host.ask('ATDPN')).toBe(`${number}\r\r>`);
  host.now = 130e6;
  expect(host.ask('03').split('\r')[0]).toBe(codes);
});

test('a VIN on CAN is three frames with headers, and numbered lines without', () => {
  const host = new Host().set('ATE0', '0100');
  expect(host.ask('0902')).toBe(
    '014\r0: 49 02 01 56 47 4C \r1: 5A 5A 5A 31 4B 5A 35 \r2: 39 38 36 36 30 33 30 \r\r>',
  );
  host.set('ATH1');
  expect(host.ask('0902')).toBe(
    '7E8 10 14 49 02 01 56 47 4C \r7E8 21 5A 5A 5A 31 4B 5A 35 \r7E8 22 39 38 36 36 30 33 30 \r\r>',
  );
  host.set('ATS0', 'ATD1');
  expect(host.ask('09022')).toBe('7E88101449020156474C\r7E88215A5A5A314B5A35\r\r>');
});

test('a VIN on an older bus is five numbered lines', () => {
  const host = new Host({ protocol: '3', personality: 'elm327-1.3' }).set('ATE0', 'ATS0', '0100');
  expect(host.ask('0902')).toBe(
    '49020100000056\r490202474C5A5A\r4902035A314B5A\r49020435393836\r49020536303330\r\r>',
  );
});

test('two units answering at length interleave their frames', () => {
  const host = new Host().set('ATE0', 'ATS0', 'ATH1', '0100');
  const ids = host
    .ask('0904')
    .split('\r')
    .map((line) => line.slice(0, 5));
  expect(ids).toEqual(['7E810', '7E821', '7E910', '7E822', '7E921', '7E922', '', '>']);
});

test.each([
  ['elm327-1.3', 'ELM327 v1.3', ['ATS0', 'ATAT1', 'ATCRA7E8', '010C1'], ['ATIGN', 'ATCRA', 'STI']],
  ['elm327-1.4b', 'ELM327 v1.4b', ['ATIGN', 'ATCRA', 'ATCSM1'], ['ATCRA7EX', 'STI']],
  ['elm327-2.1', 'ELM327 v2.1', ['ATCRA7EX', 'ATCTM5', 'ATSH18DB33F1'], ['STI']],
  ['elm327-2.2', 'ELM327 v2.2', ['ATCRA7EX', 'ATCTM5'], ['STDI']],
  ['elm327-2.3', 'ELM327 v2.3', ['ATCRA7EX', 'ATCTM5'], ['ATXYZ']],
  ['obdlink', 'ELM327 v1.4b', ['STI', 'STDI', 'STPXH:7E0,D:010C'], ['STABC']],
  ['clone-1.5', 'ELM327 v1.5', ['ATS0', 'ATAT1', '010C1'], ['ATIGN', 'ATCRA7E8', 'ATBRD23', 'STI']],
  ['clone-2.1', 'ELM327 v2.1', ['ATH1', 'ATST32', 'ATSP0'], ['ATS0', 'ATAT1', 'ATCRA7E8', '010C1']],
] as const)('%s says %s and knows its commands only', (personality, banner, known, unknown) => {
  const host = new Host({ personality });
  expect(host.ask('ATZ')).toContain(`\r\r${banner}\r\r>`);
  host.set('ATE0', '0100');
  for (const command of known) expect(host.ask(command), command).not.toContain('?');
  for (const command of unknown) expect(host.ask(command), command).toBe('?\r\r>');
});

test('OBDLink tells its name and sends one-shot requests', () => {
  const host = new Host({ personality: 'obdlink' }).set('ATE0', 'ATS0', 'ATH1', '0100');
  expect(host.ask('STI')).toBe('STN2100 v5.6.19\r\r>');
  expect(host.ask('STPX H:7E1, D:0100, R:1')).toBe('7E90641008008001155\r\r>');
  expect(host.ask('STPX D:XX')).toBe('?\r\r>');
});

test('the response count ends the answer early', () => {
  const host = new Host().set('ATE0', '0100');
  const before = host.now;
  expect(host.ask('01001')).toBe('41 00 BE 3F B8 13 \r\r>');
  expect(host.now - before).toBe(1000 + 1000 + 8000);
});

test('AT0 waits the whole timeout after the last answer, AT2 less than AT1', () => {
  const took = (mode: string): number => {
    const host = new Host().set('ATE0', '0100', mode);
    const before = host.now;
    host.ask('010C');
    return host.now - before;
  };
  expect(took('ATAT0')).toBe(1000 + 1000 + 8000 + 200_000);
  expect(took('ATAT2')).toBeLessThan(took('ATAT1'));
});

test('an adapter from before v1.2 always waits the whole timeout', () => {
  const host = new Host({ personality: 'clone-2.1' }).set('ATE0', '0100');
  const before = host.now;
  host.ask('010C');
  expect(host.now - before).toBe(1000 + 1000 + 8000 + 200_000);
});

test('silence is NO DATA after the time of ATST', () => {
  const host = new Host().set('ATE0', '0100', 'ATST19');
  const before = host.now;
  expect(host.ask('010A')).toBe('NO DATA\r\r>');
  expect(host.now - before).toBe(1000 + 1000 + 100_000);
});

test('v2.1 waits for an answer announced with 78, v1.3 misses it', () => {
  const answer = (personality: 'elm327-1.3' | 'elm327-2.1'): string =>
    new Host({ personality }).set('ATE0', 'ATS0', '0100').ask('0906');
  expect(answer('elm327-2.1')).toBe('7F0978\r4906011C9A52E7\r\r>');
  expect(answer('elm327-1.3')).toBe('7F0978\r\r>');
});

test('the wrong protocol fails in its own words, and the automatic search finds the right one', () => {
  const host = new Host({ protocol: '3' }).set('ATE0');
  const first = (command: string): string => host.ask(command).split('\r')[0] ?? '';
  expect(host.set('ATTP6').ask('0100')).toBe('CAN ERROR\r\r>');
  expect(host.set('ATTP5').ask('0100')).toBe('BUS INIT: ERROR\r\r>');
  expect(host.set('ATTP2').ask('0100')).toBe('NO DATA\r\r>');
  host.set('ATTP3');
  expect(first('0100')).toBe('BUS INIT: ...OK');
  host.set('ATTPA6');
  expect(first('0100')).toBe('SEARCHING...');
  expect(first('0100')).toBe('41 00 BE 3F B8 13 ');
  expect(first('ATDP')).toBe('AUTO, ISO 9141-2');
  host.set('ATPC');
  expect(first('0100')).toBe('SEARCHING...');
});

test('ATSP outlives a reset, ATTP does not', () => {
  const host = new Host().set('ATE0', 'ATSP6', 'ATTP7', 'ATZ', 'ATE0');
  expect(host.ask('ATDPN')).toBe('6\r\r>');
});

test('a parked car: no connection, battery voltage, ignition off', () => {
  const host = new Host({ car: { ignitionOffAtS: 10 } }).set('ATE0');
  expect(host.ask('0100')).toBe('SEARCHING...\rUNABLE TO CONNECT\r\r>');
  expect(host.ask('ATRV')).toBe('12.4V\r\r>');
  expect(host.ask('ATIGN')).toBe('OFF\r\r>');
});

test('headers and filters choose who is asked and who is heard', () => {
  const host = new Host().set('ATE0', 'ATS0', 'ATH1', '0100');
  const ids = (command: string): string[] => host.ask(command).match(/7E\d(?=06)/g) ?? [];
  expect(ids('0100')).toEqual(['7E8', '7E9']);
  expect(ids('0100')).toEqual(['7E8', '7E9']);
  host.set('ATSH7E1');
  expect(ids('0100')).toEqual(['7E9']);
  host.set('ATSH7DF', 'ATCRA7E8');
  expect(ids('0100')).toEqual(['7E8']);
  host.set('ATCRA7EX');
  expect(ids('0100')).toEqual(['7E8', '7E9']);
  host.set('ATCF7E9', 'ATCM7FF');
  expect(ids('0100')).toEqual(['7E9']);
  host.set('ATAR', 'ATSH123');
  expect(host.ask('0100')).toBe('NO DATA\r\r>');
});

test('without flow control only the first frame comes', () => {
  const host = new Host().set('ATE0', 'ATS0', 'ATH1', '0100', 'ATCFC0');
  expect(host.ask('0902')).toBe('7E8101449020156474C\r\r>');
  host.set('ATCFC1');
  expect(host.ask('ATFCSM1')).toBe('?\r\r>');
  host.set('ATFCSH7E0', 'ATFCSD300000');
  expect(host.ask('ATFCSM1')).toBe('OK\r\r>');
  expect(host.ask('0902').split('\r')).toHaveLength(5);
  host.set('ATFCSH7E5');
  expect(host.ask('0902').split('\r')).toHaveLength(3);
});

test('with CAF0 the user writes the PCI byte and sees the answer’s', () => {
  const host = new Host().set('ATE0', 'ATS0', '0100', 'ATCAF0');
  expect(host.ask('020100')).toBe('064100BE3FB81355\r0641008008001155\r\r>');
  expect(host.ask('300000')).toBe('NO DATA\r\r>');
});

test('a byte during work stops it, and is lost', () => {
  const host = new Host().set('ATE0', '0100', 'ATAT0');
  host.type('0902\r');
  host.now += 13_000;
  const early = Buffer.from(host.adapter.take(host.now) ?? []).toString();
  expect(early).toBe('014\r0: 49 02 01 56 47 4C \r1: 5A 5A 5A 31 4B 5A 35 \r');
  host.type('XATI\r');
  expect(host.read()).toBe('STOPPED\r\r>');
  expect(host.ask('ATI')).toBe('ELM327 v2.1\r\r>');
});

test('monitoring lasts until a byte comes', () => {
  const host = new Host().set('ATE0');
  host.type('ATMA\r');
  expect(host.read()).toBe('');
  host.type(' ');
  expect(host.read()).toBe('STOPPED\r\r>');
});

test('an empty line repeats the last command, even a dangerous one', () => {
  const commands: string[] = [];
  const host = new Host({ record: ({ command }) => commands.push(command) });
  expect(host.ask('')).toBe('\r\r>');
  host.set('ATE0', '0100', '04', '');
  expect(commands).toEqual(['ATE0', '0100', '04', '04']);
});

test('what it cannot read is answered with a question mark', () => {
  const host = new Host().set('ATE0', '0100');
  for (const text of ['HELLO', '0', '0102030405060708', 'ATH2', 'A'.repeat(300)]) {
    expect(host.ask(text), text).toBe('?\r\r>');
  }
  expect(host.ask('\0 A\0T I\n')).toBe('ELM327 v2.1\r\r>');
});

test('ATLP sleeps without a prompt, and any byte wakes it as a reset does', () => {
  const host = new Host().set('ATE0');
  expect(host.ask('ATLP')).toBe('OK\r');
  expect(host.ask('')).toBe('\r\rELM327 v2.1\r\r>');
  expect(host.ask('ATI')).toBe('ATI\rELM327 v2.1\r\r>');
});

test('ATBRD tries a new line rate, keeps it after a CR in time, and falls back without', () => {
  const host = new Host().set('ATE0');
  host.type('ATBRD23\r');
  host.now += 80_000;
  expect(Buffer.from(host.adapter.take(host.now) ?? []).toString()).toBe('OK\rELM327 v2.1\r');
  expect(host.ask('')).toBe('OK\r\r>');
  expect(host.adapter.baud).toBe(Math.round(4e6 / 0x23));
  host.set('ATZ', 'ATE0');
  expect(host.adapter.baud).toBe(38_400);
  expect(host.ask('ATBRD23')).toBe('OK\rELM327 v2.1\r>');
  expect(host.adapter.baud).toBe(38_400);
});

test('a paced line takes ten bits a byte and arrives in pieces', () => {
  const host = new Host({ paced: true, timing: { adapterMs: 0 } }).set(
    'ATE0',
    'ATS0',
    'ATH1',
    '0100',
  );
  host.type('01001\r');
  const sizes: number[] = [];
  const from = host.now;
  for (let at = host.adapter.nextAt(); at !== undefined; at = host.adapter.nextAt()) {
    host.now = at;
    sizes.push(host.adapter.take(at)?.length ?? 0);
  }
  expect(sizes).toEqual([16, 4, 2]);
  expect(host.now - from).toBeCloseTo(8000 + (22 * 10e6) / 38_400, -1);
});

test('how the host cuts its bytes makes no difference', () => {
  const script = 'ATE0\rATS0\r0100\r0902\rATI\r';
  const reference = new Host({ timing: { searchMs: 0 } });
  const whole = script
    .split('\r')
    .slice(0, -1)
    .map((line) => reference.ask(line))
    .join('');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 30 }), (cuts) => {
      const host = new Host({ timing: { searchMs: 0 } });
      let text = '';
      for (const line of script.split('\r').slice(0, -1)) {
        let rest = `${line}\r`;
        for (const cut of cuts) {
          if (rest !== '') host.type(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        text += host.read();
      }
      expect(text).toBe(whole);
    }),
    { numRuns: 30 },
  );
});

test('with all latencies at zero the answer is there at once', () => {
  const timing = { adapterMs: 0, searchMs: 0, resetMs: 0, gapMs: 0 };
  const vehicle = createVehicle(createCar(1), { ecuMs: 0 });
  const adapter = new ElmAdapter({ vehicle, timing, paced: false });
  adapter.receive(Buffer.from('ATE0\r0100\r010C0D\r'), START);
  expect(adapter.nextAt()).toBe(START);
  expect(adapter.take(START)?.toString()).toMatch(/41 0C .. .. 0D .. \r41 0D .. \r\r>$/);
  expect(adapter.nextAt()).toBeUndefined();
});
