import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Emit, Json, Micros, Stream } from '#core/stream.ts';
import type { Log } from '../../io/log.ts';
import type { OpenPort } from '../../io/port.ts';
import type { Source } from '../source.ts';
import { RawStream } from './raw-stream.ts';
import { LossLedger } from './sampling.ts';
import { HEADSET, type Row, RowDecoder, rawSample, ThinkGearFramer } from './thinkgear.ts';

/**
 * A NeuroSky headset (MindWave, MindWave Mobile, TGAM modules) as a source.
 *
 * A working headset speaks every 2 ms, so SILENCE_MS is long. A headset on standby behind its USB
 * dongle is told to connect; all others stream by themselves.
 */
const SILENCE_MS = 5_000;
/** The rate of TGAM modules with raw output, and of the dongle; rfcomm ignores it. */
const BAUD_DEFAULT = 57_600;
/** Bytes without a packet for so long are not ThinkGear's, or not read at its baud rate. */
const NONSENSE_US = 3_000_000;
/** How many of them an error message shows. */
const NONSENSE_BYTES_SHOWN = 16;
/** Tells a MindWave dongle to connect to any headset ("MindWave Dongle Communication Protocol"). */
const AUTO_CONNECT = Uint8Array.of(0xc2);

/** 12 bits, 1.8 V full scale, behind a gain of 2000 (TGAM1 data sheet). */
const LSB_UV = (1.8 / 4096 / 2000) * 1e6;
/** Band powers are 24-bit numbers. */
const BAND_MAX = 0xff_ffff;
const NO_CONTACT = 200;

const RAW: Stream = {
  id: 'eeg.raw',
  name: 'EEG, forehead',
  unit: 'uV',
  range: [-32_768 * LSB_UV, 32_767 * LSB_UV],
  hz: 512,
  kind: 'wave',
  lsb: LSB_UV,
};

// biome-ignore format: one stream a line, in columns
const VALUES = {
  poorSignal: sample('eeg.quality.poor_signal', 'EEG poor signal',    '1',    [0, NO_CONTACT], 1),
  attention:  sample('eeg.attention',           'Attention',          '1',    [1, 100],        1),
  meditation: sample('eeg.meditation',          'Meditation',         '1',    [1, 100],        1),
  blink:      sample('eeg.blink',               'Blink strength',     '1',    [1, 255],        0),
  heartRate:  sample('eeg.heart_rate',          'Heart rate',         '/min', [0, 255],        1),
  rrInterval: sample('eeg.rr',                  'Heart beat interval', 'ms',  [0, 65_535],     0),
} as const;

const HEADSET_STATE: Stream = {
  ...sample('eeg.headset', 'Headset', '1', [0, 5], 0),
  states: {
    [HEADSET.standby]: 'standby',
    [HEADSET.scanning]: 'scanning',
    [HEADSET.connected]: 'connected',
    [HEADSET.notFound]: 'not found',
    [HEADSET.disconnected]: 'disconnected',
    [HEADSET.denied]: 'denied',
  },
};

/** In the order of the row. Powers have no unit: NeuroSky defines them relative to each other only. */
// biome-ignore format: one stream a line, in columns
const BANDS: readonly Stream[] = [
  band('delta',      'Delta, 0.5-2.75 Hz'),
  band('theta',      'Theta, 3.5-6.75 Hz'),
  band('low_alpha',  'Low alpha, 7.5-9.25 Hz'),
  band('high_alpha', 'High alpha, 10-11.75 Hz'),
  band('low_beta',   'Low beta, 13-16.75 Hz'),
  band('high_beta',  'High beta, 18-29.75 Hz'),
  band('low_gamma',  'Low gamma, 31-39.75 Hz'),
  band('mid_gamma',  'Mid gamma, 41-49.75 Hz'),
];

/** Everything a ThinkGear headset may emit. */
export const THINKGEAR_STREAMS: readonly Stream[] = [
  RAW,
  ...Object.values(VALUES),
  HEADSET_STATE,
  ...BANDS,
];

export interface ThinkGearOptions {
  /** Id of the source. */
  readonly id: string;
  /** What messages call the device: its path or address. */
  readonly device: string;
  readonly open: OpenPort;
  readonly baud?: number;
  readonly log?: Log;
}

export function thinkgearSource(options: ThinkGearOptions): Source {
  const { id, device, open, baud = BAUD_DEFAULT } = options;
  const headset = new Headset(options);
  return {
    id,
    streams: THINKGEAR_STREAMS,
    silenceMs: SILENCE_MS,
    async run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
      await using port = await open(signal, { baud });
      const close = (): void => void port[Symbol.asyncDispose]();
      signal.addEventListener('abort', close, { once: true });
      if (signal.aborted) return;
      const nonsense = new NonsenseWatch(`${device} at ${baud} baud`);
      headset.connected();
      try {
        for await (const chunk of port.input) {
          const now = clock.now();
          headset.take(chunk, now, emit);
          nonsense.check(chunk, headset.packets, now);
          if (headset.takeStandby()) await port.write(AUTO_CONNECT);
        }
      } finally {
        signal.removeEventListener('abort', close);
        headset.disconnected(clock.now(), emit);
      }
    },
    health: () => headset.health(),
  };
}

/** Bytes to readings. Lives as long as the process, so that counters and positions go on. */
class Headset {
  readonly #options: ThinkGearOptions;
  readonly #framer = new ThinkGearFramer();
  readonly #decoder = new RowDecoder();
  readonly #ledger = new LossLedger();
  readonly #raw = new RawStream(RAW, this.#ledger);
  /** The framer's counters at the last packet. */
  #skippedBytes = 0;
  #badChecksums = 0;
  /** Attention or meditation rows with 0: the headset could not compute them. */
  #notComputed = 0;
  /** Values that the stream's range excludes. */
  #outOfRange = 0;
  /** 8-bit samples and section marks of early modules: understood, but of no use without their rate. */
  #legacyRows = 0;
  #poorSignal: number | undefined;
  #state: number | undefined;
  #standby = false;

  constructor(options: ThinkGearOptions) {
    this.#options = options;
  }

  get packets(): number {
    return this.#framer.packets;
  }

  connected(): void {
    this.#framer.reset();
    this.#skippedBytes = this.#framer.skippedBytes;
    this.#badChecksums = this.#framer.badChecksums;
    this.#raw.connected();
    this.#standby = false;
    this.#poorSignal = undefined;
  }

  disconnected(now: Micros, emit: Emit): void {
    this.#raw.disconnected(now, emit);
    this.#poorSignal = undefined;
  }

  /** Decodes one chunk that arrived at `now`. */
  take(chunk: Uint8Array, now: Micros, emit: Emit): void {
    this.#raw.chunkBegins(now, emit);
    this.#framer.push(chunk, (payload) => this.#packet(payload, now, emit));
    this.#raw.chunkEnds(now, emit);
  }

  /** Whether the dongle said that it waits for a command, since the last call. */
  takeStandby(): boolean {
    const standby = this.#standby;
    this.#standby = false;
    return standby;
  }

  health(): { readonly [key: string]: Json } {
    const { packets, badChecksums, resyncs, skippedBytes } = this.#framer;
    const { hz } = this.#raw;
    return {
      contact: contactWord(this.#poorSignal),
      headset: this.#state === undefined ? null : (HEADSET_STATE.states?.[this.#state] ?? null),
      hz: Number(hz.toFixed(3)),
      ppm: Math.round((hz / RAW.hz - 1) * 1e6),
      packets,
      badChecksums,
      resyncs,
      skippedBytes,
      rowOverflows: this.#decoder.rowOverflows,
      unknownRows: this.#decoder.unknownRows,
      legacyRows: this.#legacyRows,
      notComputed: this.#notComputed,
      outOfRange: this.#outOfRange,
      surplus: this.#raw.surplus,
      lost: this.#ledger.health(),
    };
  }

  #packet(payload: Uint8Array, now: Micros, emit: Emit): void {
    const { skippedBytes, badChecksums } = this.#framer;
    if (skippedBytes !== this.#skippedBytes) {
      this.#raw.damaged(skippedBytes - this.#skippedBytes, badChecksums - this.#badChecksums);
      this.#skippedBytes = skippedBytes;
      this.#badChecksums = badChecksums;
    }
    const raw = rawSample(payload);
    if (raw === undefined) this.#rows(payload, now, emit);
    else this.#raw.sample(raw);
  }

  #rows(payload: Uint8Array, now: Micros, emit: Emit): void {
    const rows: Row[] = [];
    this.#decoder.decode(payload, (row) => rows.push(row));
    // Band powers are what all 1 Hz packets have and no other packet has.
    if (rows.some(({ kind }) => kind === 'bands')) this.#raw.second();
    const t = this.#raw.timeAt(now);
    for (const row of rows) this.#row(row, t, emit);
  }

  #row(row: Row, t: Micros, emit: Emit): void {
    switch (row.kind) {
      case 'raw':
        this.#raw.sample(row.v);
        return;
      case 'raw8':
      case 'rawMarker':
        this.#legacyRows++;
        return;
      case 'bands':
        BANDS.forEach((stream, i) => {
          this.#value(stream, row.v[i] ?? Number.NaN, t, emit);
        });
        return;
      case 'headset':
        this.#headset(row.v, row.device);
        this.#value(HEADSET_STATE, row.v, t, emit);
        return;
      case 'attention':
      case 'meditation':
        // 0 is not a low value but none at all, and would set off alerts on low ones.
        if (row.v === 0) this.#notComputed++;
        else this.#value(VALUES[row.kind], row.v, t, emit);
        return;
      default:
        if (row.kind === 'poorSignal') this.#poorSignal = row.v;
        this.#value(VALUES[row.kind], row.v, t, emit);
    }
  }

  #value(stream: Stream, v: number, t: Micros, emit: Emit): void {
    const [min, max] = stream.range;
    if (v >= min && v <= max) emit({ kind: 'sample', stream, t, v });
    else this.#outOfRange++;
  }

  #headset(state: number, device: number | undefined): void {
    this.#standby ||= state === HEADSET.standby;
    if (state === this.#state) return;
    this.#state = state;
    const { id, log } = this.#options;
    const name = device === undefined ? {} : { headset: device.toString(16).padStart(4, '0') };
    log?.info({ source: id, ...name }, `headset ${HEADSET_STATE.states?.[state] ?? state}`);
  }
}

/** Ends a connection that brings bytes but no packets: another device, or a wrong baud rate. */
class NonsenseWatch {
  readonly #device: string;
  #packets = 0;
  #since: Micros | undefined;
  #bytes = 0;
  #shown = '';

  constructor(device: string) {
    this.#device = device;
  }

  /** @param packets packets so far, `chunk` included */
  check(chunk: Uint8Array, packets: number, now: Micros): void {
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#since = undefined;
      return;
    }
    if (this.#since === undefined) {
      this.#since = now;
      this.#bytes = 0;
      this.#shown = '';
    }
    this.#bytes += chunk.length;
    if (this.#shown.length < 3 * NONSENSE_BYTES_SHOWN) {
      this.#shown += [...chunk.subarray(0, NONSENSE_BYTES_SHOWN)].map(hex).join('');
    }
    if (now - this.#since < NONSENSE_US) return;
    const shown = this.#shown.slice(0, 3 * NONSENSE_BYTES_SHOWN).trim();
    throw new LinkError(
      'BAD_ANSWER',
      `${this.#device}: ${this.#bytes} bytes in ${NONSENSE_US / 1e6} s and no ThinkGear packet in ` +
        `them; another device or another baud rate? They begin with ${shown}`,
    );
  }
}

function hex(byte: number): string {
  return `${byte.toString(16).toUpperCase().padStart(2, '0')} `;
}

function contactWord(poorSignal: number | undefined): string {
  if (poorSignal === undefined) return 'unknown';
  if (poorSignal === 0) return 'good';
  return poorSignal >= NO_CONTACT ? 'no contact' : `poor (${poorSignal} of ${NO_CONTACT})`;
}

function sample(
  id: string,
  name: string,
  unit: string,
  range: Stream['range'],
  hz: number,
): Stream {
  return { id, name, unit, range, hz, kind: 'sample' };
}

function band(id: string, name: string): Stream {
  return sample(`eeg.bands.${id}`, name, '1', [0, BAND_MAX], 1);
}
