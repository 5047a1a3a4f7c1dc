/**
 * What a backtest says is what happened: rules watch a simulated drive, and are then held against its
 * recording. The two lists of alerts are the same, alert for alert. VIGIL_DRIVE_HOURS makes the drive
 * longer than it is in CI.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Alert } from '#core/alert.ts';
import type { Parts } from '../../../src/gateway/gateway.ts';
import { call } from '../../support/call.ts';
import { fastDrive, untilRecording } from '../../support/fast-drive.ts';

const HOURS = Number(process.env['VIGIL_DRIVE_HOURS'] ?? 0.25);
const SPEED = 50;
/** What a slow machine may take beyond the drive itself. */
const SPARE_MS = 300_000;

/**
 * Besides those that come with the gateway, which an uneventful drive gives little to do. Each is about
 * one source: of two, readings may come in another order than that of their times, and a start then is
 * as late as they are. Cool-downs are short: an alert that waits for the one before it, and that for
 * another, tells of a time before the session that a backtest does not go back to. For the same reason
 * revs, which go up and down with each gear, have one of the 10 s that keep seven alerts out of one
 * minute: the last of seven would be latched, and might last from long before the session.
 */
const RULES = [
  {
    ...{ name: 'Revs', severity: 'info', cooldownMs: 10_000 },
    ...{ stream: 'obd.engine.rpm', when: { op: '>', value: 1_500, clear: 1_300 }, unit: '/min' },
  },
  {
    ...{ name: 'Fast for long', severity: 'warn', holdMs: 10_000, cooldownMs: 20_000 },
    ...{ stream: 'obd.vehicle.speed', when: { op: '>', value: 50, clear: 45 } },
    escalate: [{ value: 80, severity: 'alarm' }],
  },
  {
    ...{ name: 'Brakes', severity: 'info', while: { moving: true } },
    ...{ stream: 'obd.vehicle.speed', when: { op: 'rate<', value: -3, windowS: 2 } },
  },
  {
    ...{ name: 'Idles', severity: 'info', holdMs: 3_000 },
    all: [
      { stream: 'obd.engine.rpm', when: { op: '>', value: 400 } },
      { not: [{ stream: 'obd.vehicle.speed', when: { op: '>', value: 1 } }] },
    ],
  },
  {
    ...{ name: 'Attentive', severity: 'info', cooldownMs: 5_000 },
    ...{ stream: 'eeg.attention', when: { op: 'outside', value: [20, 85], clear: [25, 80] } },
  },
  {
    ...{ name: 'Rarely told', severity: 'info' },
    ...{ stream: 'obd.engine.coolant', when: { op: 'stale', value: 7 } },
  },
];

interface Found {
  readonly cause: string;
  readonly severity: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly endedBy: string | null;
  readonly text: string;
}

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vigil-backtest-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** What happened, as a backtest of the session would tell it. */
function lived(alert: Alert, { from, to }: { from: number; to: number }): Found {
  const over = alert.endedAt !== null && alert.endedAt.t < to;
  return {
    cause: alert.cause,
    severity: alert.severity,
    startedAt: alert.startedAt.t - from,
    endedAt: over ? (alert.endedAt?.t ?? 0) - from : null,
    endedBy: over ? alert.endedBy : null,
    text: alert.evidence.text,
  };
}

/** Of what was on before the session only that it was, as rules and backtest begin at different times. */
function inside({ startedAt, endedAt, cause, severity, endedBy, text }: Found): Found {
  const known = startedAt < 0 ? { startedAt: 0, text: '' } : { startedAt, text };
  return { ...known, endedAt, cause, severity, endedBy };
}

/** Every alert of the run, oldest first. */
function alertsOf({ alerting }: Parts): Alert[] {
  const all: Alert[] = [];
  let before: string | undefined;
  do {
    const { items, next } = alerting.list({ limit: 1_000, before });
    all.push(...items);
    before = next ?? undefined;
  } while (before !== undefined);
  return all.toReversed();
}

test('a backtest of a drive finds the alerts that there were', {
  timeout: (HOURS * 3_600_000) / SPEED + SPARE_MS,
}, async () => {
  await fastDrive({ directory, speed: SPEED }, async (drive) => {
    const { parts, api, clock } = drive;
    await untilRecording(drive);
    for (const rule of RULES) await call(`${api}/alerts`, 'POST', rule);
    await clock.sleep(180_000);
    const made = await (await call(`${api}/sessions`, 'POST', { driver: 'A. Driver' })).json();
    const from = parts.recording.openSessions().find(({ id }) => id === made.id)?.spans[0]?.from;
    await clock.sleep(HOURS * 3_600_000);
    await call(`${api}/sessions/${made.id}`, 'PATCH', { state: 'ended' });
    const session = parts.recording.reading.sessions().get(made.id);
    const span = { from: from ?? 0, to: session.spans[0]?.to ?? 0 };
    // The last of it gets to the journal.
    await clock.sleep(5_000);

    const began = performance.now();
    const tested = new Map<string, Found[]>();
    for (const { id: rule } of parts.alerting.rules.list()) {
      const question = { sessions: [made.id], rule };
      const { sessions } = (await (
        await call(`${api}/alerts/backtest`, 'POST', question)
      ).json()) as { sessions: [{ rules: [{ alerts: Found[] }] }] };
      tested.set(rule, sessions[0].rules[0].alerts);
    }
    const seconds = (performance.now() - began) / 1000;

    const all = alertsOf(parts).filter(
      ({ startedAt, endedAt }) =>
        startedAt.t < span.to && (endedAt === null || endedAt.t >= span.from),
    );
    for (const [id, alerts] of tested) {
      const live = all.filter(({ rule }) => rule.id === id).map((one) => lived(one, span));
      expect(alerts.map(inside), id).toEqual(live.map(inside));
    }
    const busy = new Set(all.map(({ rule }) => rule.id));
    console.log(
      `${all.length} alerts of ${busy.size} rules; ${HOURS} h tested in ${seconds.toFixed(1)} s`,
    );
    expect(busy.size).toBeGreaterThanOrEqual(RULES.length - 1);
    expect(all.length).toBeGreaterThan(15);
  });
});
