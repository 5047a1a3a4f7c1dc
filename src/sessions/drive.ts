import type { Micros } from '#core/stream.ts';

/**
 * When a drive begins and ends, as a pure state machine over what the car says.
 *
 *     parked  -> driving   the engine (or the car, where it is electric) runs
 *     driving -> parked    off, or no sign of life, for SPLIT_US
 *     pending -> driving   after a restart of the process: the car is still on, the drive goes on
 *     pending -> parked    after a restart: it is off, or nothing is heard of it
 *
 * Ignition on without running begins no drive: a parked car that still answers looks like that. It
 * ends none either: engines stop at traffic lights, and electric cars wait in silence.
 *
 * Times are the monotonic clock's. Readings may come a little out of order: an ignition state older
 * than the newest one is no news, and a late sign of life moves nothing back.
 */

/** Off, or silent, for as long as this ends a drive. A shorter break, as by a stall, is part of it. */
const SPLIT_US = 30_000_000;
/** A drive begins with the ignition, but not longer than this before the engine runs. */
const START_BEFORE_US_MAX = 60_000_000;
/** After a restart nothing is heard of the car for as long as this: the drive has ended. */
const PENDING_US_MAX = 60_000_000;

/** What the numbers of `obd.ignition` mean; any other than these two is `on`. */
const OFF = 0;
const RUNNING = 2;

interface Told {
  /** Of the newest ignition state; what is older is not news. */
  readonly toldAt: Micros;
  /** The newest sign of life. */
  readonly seenAt: Micros;
}

interface Parked extends Told {
  readonly phase: 'parked';
  /** Since when the ignition has been on without a break. */
  readonly onAt: Micros | undefined;
}

interface Driving extends Told {
  readonly phase: 'driving';
  /** Since when it has been off, while that may still be a short break. */
  readonly offAt: Micros | undefined;
}

interface Pending extends Told {
  readonly phase: 'pending';
  /** Whether anything was heard of the car since the restart, if only that it is off. */
  readonly heard: boolean;
  /** When the drive counts as ended unless the car is on. */
  readonly until: Micros;
}

export type Drive = Parked | Driving | Pending;

export type DriveInput =
  /** @param v a value of `obd.ignition` */
  | { readonly kind: 'ignition'; readonly t: Micros; readonly v: number }
  /** Any other reading that only a car that answers can bring. */
  | { readonly kind: 'life'; readonly t: Micros }
  /** Time goes by. */
  | { readonly kind: 'tick'; readonly t: Micros };

export type DriveAction =
  | { readonly kind: 'begin'; readonly t: Micros }
  | { readonly kind: 'end'; readonly t: Micros }
  /** The drive of before the restart goes on at `t`. */
  | { readonly kind: 'resume'; readonly t: Micros }
  /** The drive of before the restart ended when it was last seen. */
  | { readonly kind: 'abandon' };

export interface DriveStep {
  readonly drive: Drive;
  /** In order: at most an end and the beginning of the next one. */
  readonly actions: readonly DriveAction[];
}

/** Nothing is known of the car. */
export function parked(now: Micros): Drive {
  return { phase: 'parked', toldAt: now, seenAt: now, onAt: undefined };
}

/** A drive was going on when the process ended, which was not long ago. */
export function pending(now: Micros): Drive {
  const until = now + PENDING_US_MAX;
  return { phase: 'pending', toldAt: now, seenAt: now, heard: false, until };
}

export function driveStep(before: Drive, input: DriveInput): DriveStep {
  const due = expire(before, input.t);
  if (input.kind === 'tick') return due;
  const heard = hear(due.drive, input.t);
  if (input.kind === 'life') {
    const seenAt = Math.max(heard.seenAt, input.t);
    return { drive: { ...heard, seenAt }, actions: due.actions };
  }
  if (input.t < heard.toldAt) return { drive: heard, actions: due.actions };
  const told = { ...heard, toldAt: input.t };
  const { drive, actions } = input.v === OFF ? wentOff(told) : isOn(told, input.v === RUNNING);
  return { drive, actions: [...due.actions, ...actions] };
}

/** What the passing of time alone does. */
function expire(drive: Drive, now: Micros): DriveStep {
  switch (drive.phase) {
    case 'parked':
      // An ignition that was on before a silence is not the one that is on after it.
      if (drive.onAt === undefined || now - drive.seenAt < SPLIT_US) return still(drive);
      return still({ ...drive, onAt: undefined });
    case 'driving': {
      const end = drive.offAt ?? drive.seenAt;
      if (now - end < SPLIT_US) return still(drive);
      return { drive: parkedAt(drive, end), actions: [{ kind: 'end', t: end }] };
    }
    case 'pending':
      if (now < drive.until) return still(drive);
      return { drive: parkedAt(drive, drive.seenAt), actions: [{ kind: 'abandon' }] };
  }
}

/** From the first that is heard of the car after a restart, it has as long as after any break. */
function hear(drive: Drive, t: Micros): Drive {
  if (drive.phase !== 'pending' || drive.heard) return drive;
  return { ...drive, heard: true, until: t + SPLIT_US };
}

/** The ignition is off at `drive.toldAt`. */
function wentOff(drive: Drive): DriveStep {
  switch (drive.phase) {
    case 'parked':
      return still({ ...drive, onAt: undefined });
    case 'driving':
      return still({ ...drive, offAt: drive.offAt ?? drive.toldAt });
    case 'pending':
      // An adapter that was just plugged in says so too, before it has asked the car.
      return still(drive);
  }
}

/** The ignition is on at `drive.toldAt`, and that is a sign of life. */
function isOn(drive: Drive, running: boolean): DriveStep {
  const t = drive.toldAt;
  const seenAt = Math.max(drive.seenAt, t);
  const driving: Driving = { phase: 'driving', toldAt: t, seenAt, offAt: undefined };
  if (drive.phase === 'driving') return still(driving);
  if (drive.phase === 'pending') return { drive: driving, actions: [{ kind: 'resume', t }] };
  const onAt = drive.onAt ?? t;
  if (!running) return still({ ...drive, seenAt, onAt });
  return {
    drive: driving,
    actions: [{ kind: 'begin', t: Math.max(onAt, t - START_BEFORE_US_MAX) }],
  };
}

function still(drive: Drive): DriveStep {
  return { drive, actions: [] };
}

/** Nothing from before `end` is news after it, so that the next drive cannot begin before it. */
function parkedAt({ toldAt, seenAt }: Drive, end: Micros): Drive {
  return { phase: 'parked', toldAt: Math.max(toldAt, end), seenAt, onAt: undefined };
}
