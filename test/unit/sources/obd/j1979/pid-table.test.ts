import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  PID_BY_NUMBER,
  PID_LENGTHS,
  PIDS,
} from '../../../../../src/sources/obd/j1979/pid-table.ts';
import {
  DEFAULT_SCALING,
  decodePid,
  type Pid,
  type Signal,
} from '../../../../../src/sources/obd/j1979/pids.ts';

/**
 * SAE J1979 and J1979-DA once more, written independently of the table: PID, data bytes, and for
 * each linear signal first byte, width, sign, mul, div, add.
 */
const REFERENCE = `
04  1 0,1,u,100,255,0
05  1 0,1,u,1,1,-40
06  1 0,1,u,100,128,-100
07  1 0,1,u,100,128,-100
08  1 0,1,u,100,128,-100
09  1 0,1,u,100,128,-100
0A  1 0,1,u,3,1,0
0B  1 0,1,u,1,1,0
0C  2 0,2,u,1,4,0
0D  1 0,1,u,1,1,0
0E  1 0,1,u,1,2,-64
0F  1 0,1,u,1,1,-40
10  2 0,2,u,1,100,0
11  1 0,1,u,100,255,0
14  2 0,1,u,1,200,0 1,1,u,100,128,-100
15  2 0,1,u,1,200,0 1,1,u,100,128,-100
16  2 0,1,u,1,200,0 1,1,u,100,128,-100
17  2 0,1,u,1,200,0 1,1,u,100,128,-100
18  2 0,1,u,1,200,0 1,1,u,100,128,-100
19  2 0,1,u,1,200,0 1,1,u,100,128,-100
1A  2 0,1,u,1,200,0 1,1,u,100,128,-100
1B  2 0,1,u,1,200,0 1,1,u,100,128,-100
1F  2 0,2,u,1,1,0
21  2 0,2,u,1,1,0
22  2 0,2,u,79,1000,0
23  2 0,2,u,10,1,0
24  4 0,2,u,2,65536,0 2,2,u,8,65536,0
25  4 0,2,u,2,65536,0 2,2,u,8,65536,0
26  4 0,2,u,2,65536,0 2,2,u,8,65536,0
27  4 0,2,u,2,65536,0 2,2,u,8,65536,0
28  4 0,2,u,2,65536,0 2,2,u,8,65536,0
29  4 0,2,u,2,65536,0 2,2,u,8,65536,0
2A  4 0,2,u,2,65536,0 2,2,u,8,65536,0
2B  4 0,2,u,2,65536,0 2,2,u,8,65536,0
2C  1 0,1,u,100,255,0
2D  1 0,1,u,100,128,-100
2E  1 0,1,u,100,255,0
2F  1 0,1,u,100,255,0
30  1 0,1,u,1,1,0
31  2 0,2,u,1,1,0
32  2 0,2,s,1,4,0
33  1 0,1,u,1,1,0
34  4 0,2,u,2,65536,0 2,2,u,1,256,-128
35  4 0,2,u,2,65536,0 2,2,u,1,256,-128
36  4 0,2,u,2,65536,0 2,2,u,1,256,-128
37  4 0,2,u,2,65536,0 2,2,u,1,256,-128
38  4 0,2,u,2,65536,0 2,2,u,1,256,-128
39  4 0,2,u,2,65536,0 2,2,u,1,256,-128
3A  4 0,2,u,2,65536,0 2,2,u,1,256,-128
3B  4 0,2,u,2,65536,0 2,2,u,1,256,-128
3C  2 0,2,u,1,10,-40
3D  2 0,2,u,1,10,-40
3E  2 0,2,u,1,10,-40
3F  2 0,2,u,1,10,-40
42  2 0,2,u,1,1000,0
43  2 0,2,u,100,255,0
44  2 0,2,u,2,65536,0
45  1 0,1,u,100,255,0
46  1 0,1,u,1,1,-40
47  1 0,1,u,100,255,0
48  1 0,1,u,100,255,0
49  1 0,1,u,100,255,0
4A  1 0,1,u,100,255,0
4B  1 0,1,u,100,255,0
4C  1 0,1,u,100,255,0
4D  2 0,2,u,1,1,0
4E  2 0,2,u,1,1,0
4F  4 0,1,u,1,1,0 1,1,u,1,1,0 2,1,u,1,1,0 3,1,u,10,1,0
50  4 0,1,u,10,1,0
52  1 0,1,u,100,255,0
53  2 0,2,u,1,200,0
54  2 0,2,s,1,1,0
55  2 0,1,u,100,128,-100 1,1,u,100,128,-100
56  2 0,1,u,100,128,-100 1,1,u,100,128,-100
57  2 0,1,u,100,128,-100 1,1,u,100,128,-100
58  2 0,1,u,100,128,-100 1,1,u,100,128,-100
59  2 0,2,u,10,1,0
5A  1 0,1,u,100,255,0
5B  1 0,1,u,100,255,0
5C  1 0,1,u,1,1,-40
5D  2 0,2,u,1,128,-210
5E  2 0,2,u,1,20,0
61  1 0,1,u,1,1,-125
62  1 0,1,u,1,1,-125
63  2 0,2,u,1,1,0
64  5 0,1,u,1,1,-125 1,1,u,1,1,-125 2,1,u,1,1,-125 3,1,u,1,1,-125 4,1,u,1,1,-125
66  5 1,2,u,1,32,0 3,2,u,1,32,0
67  3 1,1,u,1,1,-40 2,1,u,1,1,-40
68  7 1,1,u,1,1,-40 2,1,u,1,1,-40 3,1,u,1,1,-40 4,1,u,1,1,-40 5,1,u,1,1,-40 6,1,u,1,1,-40
69  7 1,1,u,100,255,0 2,1,u,100,255,0 3,1,u,100,128,-100 4,1,u,100,255,0 5,1,u,100,255,0 6,1,u,100,128,-100
6A  5 1,1,u,100,255,0 2,1,u,100,255,0 3,1,u,100,255,0 4,1,u,100,255,0
6B  5 1,1,u,1,1,-40 2,1,u,1,1,-40 3,1,u,1,1,-40 4,1,u,1,1,-40
6C  5 1,1,u,100,255,0 2,1,u,100,255,0 3,1,u,100,255,0 4,1,u,100,255,0
6D 11 1,2,u,10,1,0 3,2,u,10,1,0 5,1,u,1,1,-40 6,2,u,10,1,0 8,2,u,10,1,0 10,1,u,1,1,-40
6E  9 1,2,u,10,1,0 3,2,u,10,1,0 5,2,u,10,1,0 7,2,u,10,1,0
6F  3 1,1,u,1,1,0 2,1,u,1,1,0
70 10 1,2,u,1,32,0 3,2,u,1,32,0 5,2,u,1,32,0 7,2,u,1,32,0
71  6 1,1,u,100,255,0 2,1,u,100,255,0 3,1,u,100,255,0 4,1,u,100,255,0
72  5 1,1,u,100,255,0 2,1,u,100,255,0 3,1,u,100,255,0 4,1,u,100,255,0
73  5 1,2,u,1,100,0 3,2,u,1,100,0
74  5 1,2,u,10,1,0 3,2,u,10,1,0
75  7 1,1,u,1,1,-40 2,1,u,1,1,-40 3,2,u,1,10,-40 5,2,u,1,10,-40
76  7 1,1,u,1,1,-40 2,1,u,1,1,-40 3,2,u,1,10,-40 5,2,u,1,10,-40
77  5 1,1,u,1,1,-40 2,1,u,1,1,-40 3,1,u,1,1,-40 4,1,u,1,1,-40
78  9 1,2,u,1,10,-40 3,2,u,1,10,-40 5,2,u,1,10,-40 7,2,u,1,10,-40
79  9 1,2,u,1,10,-40 3,2,u,1,10,-40 5,2,u,1,10,-40 7,2,u,1,10,-40
7A  7 1,2,s,1,100,0 3,2,u,1,100,0 5,2,u,1,100,0
7B  7 1,2,s,1,100,0 3,2,u,1,100,0 5,2,u,1,100,0
7C  9 1,2,u,1,10,-40 3,2,u,1,10,-40 5,2,u,1,10,-40 7,2,u,1,10,-40
7F 13 1,4,u,1,1,0 5,4,u,1,1,0 9,4,u,1,1,0
83  9 1,2,u,1,1,0 3,2,u,1,1,0 5,2,u,1,1,0 7,2,u,1,1,0
84  1 0,1,u,1,1,-40
85 10 1,2,u,1,200,0 3,2,u,1,200,0 5,1,u,100,255,0 6,4,u,1,1,0
86  5 1,2,u,1,80,0 3,2,u,1,80,0
87  5 1,2,u,1,32,0 3,2,u,1,32,0
8B  7 2,1,u,100,255,0 3,2,u,1,1,0 5,2,u,1,1,0
8D  1 0,1,u,100,255,0
8E  1 0,1,u,1,1,-125
98  9 1,2,u,1,10,-40 3,2,u,1,10,-40 5,2,u,1,10,-40 7,2,u,1,10,-40
99  9 1,2,u,1,10,-40 3,2,u,1,10,-40 5,2,u,1,10,-40 7,2,u,1,10,-40
A2  2 0,2,u,1,32,0
A4  4 2,2,u,1,1000,0
A5  4 1,1,u,1,2,0
A6  4 0,4,u,1,10,0
`;

interface ReferenceSignal {
  readonly row: Pid;
  readonly offset: number;
  readonly width: number;
  readonly signed: boolean;
  readonly toValue: (raw: number) => number;
}

const REFERENCE_ROWS = REFERENCE.trim()
  .split('\n')
  .map((line) => line.trim().split(/ +/));

const REFERENCE_SIGNALS = REFERENCE_ROWS.flatMap(([pid = '', , ...signals]) =>
  signals.map((signal): ReferenceSignal => {
    const [offset, width, sign, mul, div, add] = signal.split(',');
    return {
      row: rowOf(Number.parseInt(pid, 16)),
      offset: Number(offset),
      width: Number(width),
      signed: sign === 's',
      toValue: (raw) => (raw * Number(mul)) / Number(div) + Number(add),
    };
  }),
);

function rowOf(pid: number): Pid {
  const row = PID_BY_NUMBER.get(pid);
  if (!row) throw new Error(`PID ${pid.toString(16)} is not in the table`);
  return row;
}

/** Data of the row's greatest length with `raw` at the signal's place and the sensor marked present. */
function dataWith(row: Pid, place: Pick<Signal, 'offset' | 'width'>, raw: number, flags: number) {
  const data = new Uint8Array(Math.max(...row.lengths));
  data[0] = flags;
  for (let i = 0; i < place.width; i++) {
    data[place.offset + i] = Math.floor(raw / 256 ** (place.width - 1 - i)) % 256;
  }
  return data;
}

function decodeAll(row: Pid, data: Uint8Array): Map<string, number> {
  const values = new Map<string, number>();
  decodePid(row, data, DEFAULT_SCALING, (stream, value) => values.set(stream.id, value));
  return values;
}

test('every PID of the reference has its length and its linear signals in the table', () => {
  for (const [pid = '', bytes] of REFERENCE_ROWS) {
    expect(rowOf(Number.parseInt(pid, 16)).lengths, pid).toContain(Number(bytes));
  }
  expect(REFERENCE_ROWS.length).toBe(124);
});

test('every linear signal decodes any raw value as the reference says', () => {
  const property = fc.property(
    fc.constantFrom(...REFERENCE_SIGNALS),
    fc.double({ min: 0, max: 1, noNaN: true }),
    ({ row, offset, width, signed, toValue }, fraction) => {
      const span = 256 ** width;
      const raw = Math.min(span - 1, Math.floor(fraction * span));
      const signal = row.signals.find(
        (candidate) => candidate.offset === offset && candidate.width === width,
      );
      if (!signal) throw new Error(`PID ${row.pid.toString(16)} has no signal at ${offset}`);
      if (raw === signal.unused) return;
      const values = decodeAll(row, dataWith(row, signal, raw, signal.flags));
      const value = signed && raw >= span / 2 ? raw - span : raw;
      expect(values.get(signal.stream.id)).toBe(toValue(value));
    },
  );
  fc.assert(property, { numRuns: 5000 });
});

/** The smallest and the largest raw value that stand for a value. */
function rawEnds(signal: Signal): [lowest: number, highest: number] {
  const ones = signal.mask === 0 ? 256 ** signal.width - 1 : signal.mask * 2 ** signal.shift;
  // Signed integers have their ends at 8000 and 7FFF.
  if (signal.signed) return [(ones + 1) / 2, (ones - 1) / 2];
  // FF means "unused" in 14-1B.
  return [0, signal.unused === ones ? ones - 1 : ones];
}

test('all bits clear and all bits set decode to the ends of the declared range', () => {
  for (const row of PIDS) {
    for (const signal of row.signals) {
      const [lowest, highest] = rawEnds(signal);
      const [min, max] = signal.stream.range;
      const at = (raw: number): number | undefined =>
        decodeAll(row, dataWith(row, signal, raw, signal.flags)).get(signal.stream.id);
      expect(at(lowest), signal.stream.id).toBe(min);
      // A plain sensor shares the range of its wide-range twin and reaches less far.
      const isPlainTwin = signal.flagMask !== signal.flags;
      if (isPlainTwin) expect(at(highest), signal.stream.id).toBeLessThan(max);
      else expect(at(highest), signal.stream.id).toBe(max);
    }
  }
});

test('the ranges that the standard prints are the ranges of the streams', () => {
  const printed: Record<string, [number, number]> = {
    'obd.engine.load': [0, 100],
    'obd.engine.coolant': [-40, 215],
    'obd.fuel.trim-short-bank1': [-100, 99.21875],
    'obd.fuel.pressure': [0, 765],
    'obd.engine.rpm': [0, 16_383.75],
    'obd.vehicle.speed': [0, 255],
    'obd.engine.timing-advance': [-64, 63.5],
    'obd.intake.maf': [0, 655.35],
    'obd.o2-s1.voltage': [0, 1.275],
    'obd.o2-s1.trim': [-100, 98.4375],
    'obd.fuel.rail-relative': [0, 5177.265],
    'obd.fuel.rail-gauge': [0, 655_350],
    'obd.evap.pressure': [-8192, 8191.75],
    'obd.catalyst.b1s1': [-40, 6513.5],
    'obd.o2-s8.pump-current': [-128, 127.99609375],
    'obd.ecu.voltage': [0, 65.535],
    'obd.engine.load-absolute': [0, 25_700],
    'obd.evap.pressure-absolute': [0, 327.675],
    'obd.evap.pressure-wide': [-32_768, 32_767],
    'obd.fuel.injection-timing': [-210, 301.9921875],
    'obd.fuel.rate': [0, 3276.75],
    'obd.engine.torque-actual': [-125, 130],
    'obd.egr.temp-b1s1': [-40, 980],
    'obd.turbo.a-inlet-pressure': [0, 2040],
    'obd.dpf.delta-bank1': [-327.68, 327.67],
    'obd.engine.total-runtime': [0, 4_294_967_295],
    'obd.vehicle.odometer': [0, 429_496_729.5],
    'obd.monitor.mil': [0, 1],
    'obd.monitor.dtcs': [0, 127],
    'obd.boost.b-status': [0, 3],
    'obd.aux.recommended-gear': [0, 15],
  };
  const ranges = PIDS.flatMap((row) => row.signals).map(({ stream }) => [stream.id, stream.range]);
  expect(Object.fromEntries(ranges)).toMatchObject(printed);
});

test('no PID is listed twice, and PIDs ascend', () => {
  const pids = PIDS.map((row) => row.pid);
  expect(pids).toEqual([...new Set(pids)].sort((a, b) => a - b));
  expect(PIDS.length).toBe(146);
  expect(PID_LENGTHS.get(0x0c)).toBe(2);
});

test('a stream id stands for one stream, is well formed and belongs to one PID', () => {
  const owners = new Map<string, number>();
  for (const row of PIDS) {
    for (const { stream } of row.signals) {
      expect(stream.id).toMatch(/^obd(\.[a-z0-9_-]{1,23}){2}$/);
      expect(owners.get(stream.id) ?? row.pid, stream.id).toBe(row.pid);
      owners.set(stream.id, row.pid);
      expect(stream.hz).toBe(row.hz);
      expect(stream.name).not.toBe('');
    }
  }
});

test('every signal lies within the usual answer, behind the byte that says whether it is there', () => {
  for (const row of PIDS) {
    expect(row.lengths[0], row.name).toBe(row.bytes);
    for (const signal of row.signals) {
      // 06-09 have their second byte in the longer answer only.
      expect(signal.offset + signal.width).toBeLessThanOrEqual(Math.max(...row.lengths));
      if (signal.flagMask !== 0) expect(signal.offset, signal.stream.id).toBeGreaterThan(0);
      expect(signal.flags & ~signal.flagMask).toBe(0);
    }
  }
});
