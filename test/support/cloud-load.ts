/** A client of a gateway that is killed now and then: what it was told is stored is known, to the value. */
import { setInterval } from 'node:timers/promises';
import * as v from 'valibot';
import { exchange } from './call.ts';
import { eventually, type Gateway } from './gateway.ts';

/** As the client calls itself. */
const CLIENT = 'load';
export const CHANNELS = ['fp1', 'fp2', 'o1', 'o2'] as const;
const EEG_HZ = 256;
const EEG_VALUES_MAX = 2_048;
/** In front of one batch in so many there is a hole, of half a second at least, which counts as lost. */
const BATCHES_A_HOLE = 16;
/** Behind this alert there are none: of the last data the gateway sends what is between two in 10 s each. */
const LAST_HOLE_ALERT = 100;
/** Five requests each: the API takes 50 a second of one address. */
const STEP_MS = 130;
/** A gateway that was killed is there again within this. */
const BACK_MS_MAX = 60_000;

const Moment = v.object({ epoch: v.number(), t2: v.number() });
type Moment = v.InferOutput<typeof Moment>;
const Named = v.object({ id: v.number() });
/** Nothing of it was stored, and never will be: the gateway was started again. */
const TOO_LATE = v.object({ detail: v.pipe(v.string(), v.regex(/leave it out/i)) });

/** Makes the body of a batch; undefined where there is nothing to send yet. */
type Make = (moment: Moment) => object | undefined;

export interface LoadCounts {
  /** Requests that were sent again, as nobody knew what had become of them. */
  again: number;
  /** Of them, those that had been stored. */
  duplicates: number;
  /** Those that had not, and came too late. */
  tooLate: number;
}

/** Sends EEG, faces, driving tasks and alerts, each numbered, each exactly once. */
export class CloudLoad {
  /** How many alerts, pictures and tasks the gateway has said to be durable; they are numbered from 0. */
  alerts = 0;
  pictures = 0;
  tasks = 0;
  /** The same of values in each channel, of which number k is k. */
  eegValues = 0;
  readonly counts: LoadCounts = { again: 0, duplicates: 0, tooLate: 0 };
  readonly #gateway: () => Gateway;
  readonly #seqs = new Map<string, number>();
  #session = 0;
  #epoch = 0;
  /** Behind the EEG that was sent last. */
  #eegT = 0;

  /** @param gateway the one that runs, or the last that ran */
  constructor(gateway: () => Gateway) {
    this.#gateway = gateway;
  }

  /** A session of its own. Resolves when the store is open. */
  async begin(): Promise<void> {
    await eventually('a session begins', async () => {
      const { status, body } = await exchange(`${this.#api()}sessions`, 'POST', {});
      if (status === 201) this.#session = v.parse(Named, body).id;
      return { done: status === 201, seen: JSON.stringify(body) };
    });
  }

  /** Sends until the signal aborts, and resolves when what was begun is stored. */
  async run(signal: AbortSignal, isAlertDue: () => boolean): Promise<void> {
    const sending = [
      () => this.#eeg(),
      () => this.#face(),
      () => this.#game(),
      async () => {
        if (isAlertDue()) await this.#alert();
      },
    ].map(async (send) => {
      for await (const _ of setInterval(STEP_MS)) {
        if (signal.aborted) break;
        await send();
      }
    });
    await Promise.all(sending);
  }

  async #eeg(): Promise<void> {
    let n = 0;
    const taken = await this.#send('eeg', ({ epoch, t2 }) => {
      // What was not sent before a kill is of another epoch.
      if (epoch !== this.#epoch) {
        this.#epoch = epoch;
        this.#eegT = t2;
      }
      const due = Math.floor(((t2 - this.#eegT) * EEG_HZ) / 1e6);
      const batch = this.#seqs.get('eeg') ?? 0;
      const isAfterHole = this.alerts < LAST_HOLE_ALERT && (batch + 1) % BATCHES_A_HOLE === 0;
      if (due < (isAfterHole ? EEG_HZ : 1)) return undefined;
      const lost = isAfterHole ? due >> 1 : 0;
      n = Math.min(EEG_VALUES_MAX, due - lost);
      this.#eegT += (lost * 1e6) / EEG_HZ;
      const values = Array.from({ length: n }, (_, i) => this.eegValues + i);
      const channels = Object.fromEntries(CHANNELS.map((name) => [name, values]));
      const t = this.#eegT;
      this.#eegT += (n * 1e6) / EEG_HZ;
      return { t, hz: EEG_HZ, unit: 'counts', channels };
    });
    if (taken) this.eegValues += n;
  }

  async #face(): Promise<void> {
    const taken = await this.#send('face', ({ t2: t }) => {
      const blink = this.pictures % 10 === 0;
      return { items: [{ t, faceDetected: true, confidence: 0.9, perclos: 0.1, blink }] };
    });
    if (taken) this.pictures++;
  }

  async #game(): Promise<void> {
    const taken = await this.#send('game', ({ t2: t }) => {
      return { items: [{ t, event: 'lap', data: { n: this.tasks, lane_deviation: 0.5 } }] };
    });
    if (taken) this.tasks++;
  }

  async #alert(): Promise<void> {
    const text = alertText(this.alerts);
    const taken = await this.#send('alerts', ({ t2: t }) => {
      return { items: [{ t, severity: 'warn', text, kind: 'fatigue' }] };
    });
    if (taken) this.alerts++;
  }

  /** @returns whether it is stored; when not, it never will be */
  async #send(kind: string, make: Make): Promise<boolean> {
    const asked = await this.#ask('time', { t1: 0 });
    const moment = v.parse(Moment, asked.body);
    const content = make(moment);
    if (content === undefined) return false;
    const seq = this.#seqs.get(kind) ?? 0;
    this.#seqs.set(kind, seq + 1);
    const { epoch } = moment;
    const { status, body } = await this.#ask(kind, { client: CLIENT, seq, epoch, ...content });
    if (status === 200) {
      if (Object(body).duplicate === true) this.counts.duplicates++;
      return true;
    }
    this.counts.tooLate++;
    return false;
  }

  /** Asks until the gateway answers. */
  async #ask(what: string, body: object): Promise<{ status: number; body: unknown }> {
    let answer: { status: number; body: unknown } | undefined;
    const seen: string[] = [];
    await eventually(
      `an answer to ${what}`,
      async () => {
        const url = `${this.#api()}sessions/${this.#session}/${what}`;
        const reply = await exchange(url, 'POST', body).catch((error: unknown) => {
          this.counts.again++;
          return { status: 0, body: String(error) };
        });
        seen.push(`${reply.status} ${JSON.stringify(reply.body)}`);
        const isSettled = reply.status === 200 || isTooLate(reply);
        if (isSettled) answer = reply;
        return { done: isSettled, seen: seen.slice(-3).join('; ') };
      },
      BACK_MS_MAX,
    );
    if (answer === undefined) throw new Error('nothing was answered');
    return answer;
  }

  #api(): string {
    return `${this.#gateway().url}api/v1/`;
  }
}

/** What alert number n says. */
export function alertText(n: number): string {
  return `alert ${n}`;
}

function isTooLate({ status, body }: { status: number; body: unknown }): boolean {
  return (status === 409 || status === 422) && v.is(TOO_LATE, body);
}
