import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT_CHANGES, SEVERITIES } from '#core/alert.ts';
import { TRUST } from '#core/clock.ts';
import {
  alertMail,
  digestMail,
  type MailMatter,
  type MailPlace,
  matterOf,
  testMail,
} from '../../../../src/alerts/mail/text.ts';
import { alertOf, EVIDENCE } from '../../../support/alert-fixture.ts';

const NOON = Date.UTC(2026, 6, 1, 10);
const AT = { epoch: 7, t: 61_000_000 };

const PLACE: MailPlace = {
  ...{ device: 'Car 1', dashboard: 'http://car.local:8080', zone: 'Europe/Berlin' },
  timeOf: ({ t }) => ({ ms: NOON + t / 1000, trust: 'gps' }),
};

function matter(changes: Partial<Parameters<typeof alertOf>[0]> = {}, news = 'started' as const) {
  return matterOf(news, alertOf(changes), { at: AT, vehicle: 'Volvo V60', driver: 'A. Meyer' });
}

test('one alert, line by line', () => {
  expect(alertMail(matter({ cause: 'obd.engine.coolant' }), PLACE)).toEqual({
    subject: 'WARNING: Coolant too hot - Car 1',
    text: [
      'WARNING: Coolant too hot',
      '',
      'Engine coolant temperature 112 °C, over 110',
      '',
      'Started: 2026-07-01 12:00:01 GMT+02:00 (Europe/Berlin; clock set by satellite)',
      'Cause:   obd.engine.coolant',
      'Vehicle: Volvo V60',
      'Driver:  A. Meyer',
      'Alert:   7-1, of rule hot',
      'Device:  Car 1',
      'Link:    http://car.local:8080/#alerts/7-1',
      '',
    ].join('\n'),
  });
});

test('what happened later says when and by whom', () => {
  const people = { at: AT, vehicle: null, driver: null };
  const notes = [{ by: 'ann', at: AT, text: 'on my way\r\nBcc: x' }];
  const noted = alertMail(matterOf('noted', alertOf({ notes }), people), PLACE);
  expect(noted.subject).toBe('Note on WARNING: Coolant too hot - Car 1');
  expect(noted.text).toContain('Now:     2026-07-01 12:01:01 GMT+02:00');
  expect(noted.text).toContain('By:      ann\nSays:    on my way Bcc: x\n');
  const acknowledged = matterOf(
    'acknowledged',
    alertOf({ acknowledged: { by: 'ann', at: AT } }),
    people,
  );
  expect(alertMail(acknowledged, PLACE).text).toContain('By:      ann\nAlert:');
  const over = { endedAt: AT, endedBy: 'silent' } as const;
  const ended = alertMail(matterOf('ended', alertOf(over), people), PLACE);
  expect(ended.subject).toBe('Ended, was WARNING: Coolant too hot - Car 1');
  expect(ended.text).toMatch(/Ended: {3}.* 12:01:01 .*; its data stopped coming\n/);
});

test('every news, severity and trust has words of its own', () => {
  const subjects = ALERT_CHANGES.flatMap((news) =>
    SEVERITIES.map((severity) => {
      const about = matterOf(news, alertOf({ severity }), { at: AT, vehicle: null, driver: null });
      return alertMail(about, PLACE).subject;
    }),
  );
  expect(new Set(subjects).size).toBe(ALERT_CHANGES.length * SEVERITIES.length);
  const texts = TRUST.map(
    (trust) => testMail({ ...PLACE, timeOf: () => ({ ms: NOON, trust }) }, AT).text,
  );
  expect(new Set(texts).size).toBe(TRUST.length);
});

test.each([undefined, Number.NaN, 1e300])('a time of %s is not known', (ms) => {
  const timeOf = () => (ms === undefined ? undefined : { ms, trust: 'rtc' as const });
  expect(testMail({ ...PLACE, timeOf }, AT).text).toContain('Time:    not known');
});

test('midnight is 00, and winter has its own offset', () => {
  const timeOf = () => ({ ms: Date.UTC(2026, 0, 1, 23), trust: 'ntp' as const });
  expect(testMail({ ...PLACE, timeOf }, AT).text).toContain('2026-01-02 00:00:00 GMT+01:00');
});

test('a digest has all in their order, without a link where there is no dashboard', () => {
  const matters = [
    matter({ id: '7-1', severity: 'info' }),
    matter({ id: '7-2', severity: 'alarm' }),
    matter({ id: '7-3', severity: 'info' }),
  ];
  const { subject, text } = digestMail(matters, PLACE);
  expect(subject).toBe('3 alerts (1 ALARM, 2 INFO) - Car 1');
  expect(text.match(/#alerts\/\S+/g)).toEqual(['#alerts/7-1', '#alerts/7-2', '#alerts/7-3']);
  expect(text.match(/^(INFO|ALARM): /gm)).toHaveLength(3);
  expect(digestMail(matters, { ...PLACE, dashboard: null }).text).not.toContain('Link');
});

test('no name or text adds a line, a control or a header (S34)', () => {
  const any = fc.string({ unit: 'binary', maxLength: 1_000 });
  const shape = (name: string): { readonly mail: MailMatter; readonly place: MailPlace } => ({
    place: { ...PLACE, device: name },
    mail: matterOf(
      'noted',
      alertOf({
        ...{ cause: `c${name}`, rule: { id: name, name }, evidence: { ...EVIDENCE, text: name } },
        notes: [{ by: name, at: AT, text: `n${name}` }],
      }),
      { at: AT, vehicle: name, driver: name },
    ),
  });
  const plain = shape('x');
  const lines = alertMail(plain.mail, plain.place).text.split('\n').length;
  fc.assert(
    fc.property(any, (name) => {
      const { mail, place } = shape(name);
      const { subject, text } = alertMail(mail, place);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      expect(subject).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      expect(text.split('\n')).toHaveLength(lines);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/);
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(400);
    }),
  );
});
