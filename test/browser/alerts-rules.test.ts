import { expect, test } from 'vitest';
import { alert, BACKTEST, COOLANT, withStub } from './alerts-stub.ts';
import { useDrive } from './recorded.ts';

const openStub = withStub(useDrive().open);

function problem(status: number, detail: string, errors: readonly object[] = []) {
  return { status, json: { title: 'Problem', status, detail, errors } };
}

test('the history is filtered, goes on behind its end, and follows what happens', async () => {
  const many = Array.from({ length: 60 }, (_, i) =>
    alert(`12-${60 - i}`, { severity: i % 2 ? 'info' : 'warn' }),
  );
  await using opened = await openStub('#alerts', {}, many);
  const { page, stub } = opened;
  const rows = page.locator('.alert');
  await rows.first().waitFor();
  await expect.poll(() => rows.count()).toBe(50);
  await page.getByRole('button', { name: 'More' }).click();
  await expect.poll(() => rows.count()).toBe(60);
  await page.getByLabel('Severity').selectOption('info');
  await expect.poll(() => rows.count()).toBe(30);
  const next = alert('12-61', { severity: 'info', rule: { id: 'fast', name: 'Fast' } });
  stub.alerts = [next, ...stub.alerts];
  stub.tell('started', next);
  await page.getByRole('link', { name: 'Fast', exact: true }).waitFor();
});

test('an alert is silenced and commented on, and a refusal is told in the words of the gateway', async () => {
  await using opened = await openStub('#alerts/12-3');
  const { page, stub, complaints } = opened;
  await page.getByRole('button', { name: 'Silence for 10 min' }).click();
  await page.getByText('Its actions are quiet for 10 min.').waitFor();
  await page.getByRole('textbox', { name: 'Comment' }).fill('It was the thermostat.');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('The comment is kept.').waitFor();
  expect(stub.asked).toContainEqual({
    what: 'POST /alerts/history/12-3/silence',
    body: { minutes: 10 },
  });
  expect(stub.asked).toContainEqual({
    what: 'POST /alerts/history/12-3/notes',
    body: { text: 'It was the thermostat.' },
  });
  expect(complaints).toEqual([]);
  stub.instead.set('POST /alerts/history/12-3/silence', problem(409, 'Alert 12-3 is over.'));
  await page.getByRole('button', { name: 'Silence for 1 h' }).click();
  await page.getByText('Alert 12-3 is over.').waitFor();
});

test('a rule is switched off where it stands in the list', async () => {
  await using opened = await openStub('#alerts/rules');
  const { page, stub } = opened;
  await page.getByText('It cannot fire at present. There is no stream fatigue.level.').waitFor();
  await page.getByText('Fired once').waitFor();
  await page.getByRole('switch', { name: 'Coolant too hot' }).click();
  await page.getByText('Coolant too hot is not watched for any more.').waitFor();
  expect(stub.asked).toContainEqual({
    what: 'PATCH /alerts/coolant-hot',
    body: { enabled: false },
  });
});

test('a rule is changed, with what the gateway refuses beside its field', async () => {
  await using opened = await openStub('#alerts/rules/coolant-hot');
  const { page, stub } = opened;
  const limit = page.getByLabel('Limit, °C');
  await limit.fill('90');
  const wrong = { pointer: '/when/clear', message: 'Expected at most 90, found 105.' };
  const refused = problem(422, 'The rule cannot be used: the thresholds contradict.', [wrong]);
  stub.instead.set('PATCH /alerts/coolant-hot', refused);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved. Please mend: Ends at.').waitFor();
  const clear = page.getByLabel(/^Ends at/);
  expect(await clear.getAttribute('aria-invalid')).toBe('true');
  expect(await clear.evaluate((it) => it.parentElement?.textContent)).toContain(wrong.message);
  expect(await limit.getAttribute('aria-invalid')).toBe('false');
  stub.instead.clear();
  await clear.fill('85');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Rules' }).waitFor();
  expect(stub.asked.filter(({ what }) => what.startsWith('PATCH')).at(-1)?.body).toMatchObject({
    stream: 'obd.engine.coolant',
    unit: 'Cel',
    when: { op: '>', value: 90, clear: 85 },
    holdMs: 5_000,
    escalate: [{ value: 118, severity: 'alarm' }],
  });
});

test('a rule is tried on the last recording while it is being written', async () => {
  await using opened = await openStub('#alerts/rules/coolant-hot');
  const { page, stub } = opened;
  await page.getByText('It would have fired 2 times, 41 s in all. As saved: once.').waitFor();
  await page.locator('.preview canvas').waitFor();
  expect(await page.locator('.preview .line rect[data-severity]').count()).toBe(3);
  const before = stub.asked.filter(({ what }) => what.endsWith('backtest')).length;
  stub.instead.set('POST /alerts/backtest', {
    status: 200,
    json: {
      sessions: [
        { ...BACKTEST.sessions[0], rules: [{ alerts: [], totals: { count: 0, onS: 0 } }] },
      ],
    },
  });
  await page.getByLabel('Limit, °C').fill('11000');
  await page.getByText('It would not have fired.').waitFor();
  const asked = stub.asked.filter(({ what }) => what.endsWith('backtest'));
  expect(asked.length).toBe(before + 1);
  expect(asked.at(-1)?.body).toMatchObject({
    rule: { when: { value: 11_000 } },
    against: 'coolant-hot',
    sessions: [1],
  });
  stub.instead.set('POST /alerts/backtest', problem(422, 'The limit is out of range.'));
  await page.getByLabel('Limit, °C').fill('110000');
  await page.getByText('Not tried: The limit is out of range.').waitFor();
});

test('a new rule is made of a stream that was found by its name', async () => {
  await using opened = await openStub('#alerts/rules');
  const { page, stub } = opened;
  await page.getByRole('link', { name: 'New rule' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Throttle');
  await page.getByRole('searchbox').fill('throttle eng');
  await page.getByRole('radio').first().check();
  await page.getByLabel('Limit, %').fill('90');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Rules' }).waitFor();
  expect(stub.asked.find(({ what }) => what === 'POST /alerts')?.body).toMatchObject({
    name: 'Throttle',
    stream: 'obd.engine.throttle',
    when: { op: '>', value: 90 },
    unit: '%',
  });
});

test('a rule without a stream is refused at the stream, and in no words of the API', async () => {
  await using opened = await openStub('#alerts/rules/new');
  const { page, stub } = opened;
  await page.getByText('It is tried as soon as it has: Stream, Limit.').waitFor();
  await page.getByLabel('Limit', { exact: true }).fill('90');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Not saved. Please mend: Name, Stream.').waitFor();
  await page.getByText('Choose a stream.').waitFor();
  const name = page.getByLabel(/^Name/);
  await expect.poll(() => name.evaluate((it) => it === document.activeElement)).toBe(true);
  expect(stub.asked.map(({ what }) => what)).not.toContain('POST /alerts');
});

test('many rules are searched, and not all are shown at once', async () => {
  await using opened = await openStub('#alerts/12-3');
  const { page, stub } = opened;
  stub.rules = Array.from({ length: 120 }, (_, i) => ({
    ...COOLANT,
    id: `rule-${i}`,
    name: `Rule ${i}`,
  }));
  await page.goto(`${page.url().split('#')[0]}#alerts/rules`);
  await page.getByText('100 of 120 rules are shown.').waitFor();
  expect(await page.locator('.rule').count()).toBe(100);
  await page.getByLabel('Find by name or stream').fill('rule 119 coolant');
  await expect.poll(() => page.locator('.rule').count()).toBe(1);
});

test('a rule of several conditions is JSON, and is deleted after a question', async () => {
  await using opened = await openStub('#alerts/rules/night');
  const { page, stub } = opened;
  const condition = page.getByLabel('Condition');
  await condition.fill('{"all": [');
  await page.getByText(/^This is no JSON/).waitFor();
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  await condition.fill('{"all": [{"stream": "nothing", "when": {"op": ">", "value": 1}}]}');
  const wrong = { pointer: '/all/0/stream', message: 'There is no stream nothing.' };
  stub.instead.set('PATCH /alerts/night', problem(422, 'The rule cannot be used.', [wrong]));
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('all[0].stream: There is no stream nothing.').waitFor();
  await page.getByRole('button', { name: 'Delete …' }).click();
  const keep = page.getByRole('button', { name: 'Keep' });
  await expect.poll(() => keep.evaluate((it) => it === document.activeElement)).toBe(true);
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('heading', { name: 'Rules' }).waitFor();
  expect(stub.asked.map(({ what }) => what)).toContain('DELETE /alerts/night');
});

test('while the car is driven nothing can be typed', async () => {
  await using opened = await openStub('#alerts/rules/coolant-hot');
  const { page, stub } = opened;
  await page.getByLabel('Limit, °C').waitFor();
  stub.speed = 30;
  await page.getByText('Rules are written when the car stands.').waitFor({ timeout: 10_000 });
  await page.goto(`${page.url().split('#')[0]}#alerts/12-3`);
  await page.getByText('Comments are written when the car stands.').waitFor();
  expect(await page.locator('input, textarea').count()).toBe(0);
});

test.each([
  ['#alerts/rules/coolant-hot', 'Limit, °C', '97'],
  ['#alerts/12-3', 'Comment', 'It was the thermostat.'],
])('what was typed at %s is there again after a drive', async (hash, label, text) => {
  await using opened = await openStub(hash);
  const { page, stub } = opened;
  const field = page.getByLabel(label, { exact: true });
  await field.fill(text);
  stub.speed = 30;
  await field.waitFor({ state: 'detached', timeout: 10_000 });
  stub.speed = 0;
  await field.waitFor({ timeout: 10_000 });
  expect(await field.inputValue()).toBe(text);
});

test('what failed without a connection is no longer told when it is back', async () => {
  await using opened = await openStub('#alerts');
  const { page, stub } = opened;
  await page.route('**/ack', (route) => route.abort());
  await page.locator('.alert').getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByText('The gateway does not answer.').waitFor();
  stub.drop();
  const said = page.locator('.alerts > .said');
  await expect.poll(() => said.textContent(), { timeout: 10_000 }).toBe('');
});

test('an alert leads to its rule where there still is one', async () => {
  const gone = alert('12-4', {
    rule: { id: 'gone', name: 'Gone' },
    state: 'ended',
    endedBy: 'changed',
    endedAt: '2026-11-22T01:43:20.000Z',
  });
  await using opened = await openStub('#alerts/12-3', {}, [gone, alert('12-3')]);
  const { page } = opened;
  const link = page.locator('.times a');
  await link.waitFor();
  await page.goto(`${page.url().split('#')[0]}#alerts/12-4`);
  await page.getByText('Its rule was changed or removed').waitFor();
  await page.getByText('Gone', { exact: true }).last().waitFor();
  expect(await link.count()).toBe(0);
});

test('a passenger who holds a button may type', async () => {
  await using opened = await openStub('#alerts/12-3');
  const { page, stub } = opened;
  stub.speed = 30;
  const button = page.getByRole('button', { name: 'Passenger' });
  await button.waitFor({ timeout: 10_000 });
  expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(76);
  await button.click();
  expect(await page.locator('textarea').count()).toBe(0);
  await button.hover();
  await page.mouse.down();
  await page.getByLabel('Comment', { exact: true }).waitFor();
  await page.mouse.up();
  expect(await button.count()).toBe(0);
});

test('an action is tried, and what the other end says is told', async () => {
  await using opened = await openStub('#alerts/actions');
  const { page, stub } = opened;
  await page.getByRole('button', { name: 'Test Buzzer' }).click();
  await page.getByText('Buzzer has taken the test.').waitFor();
  stub.instead.set(
    'POST /alerts/actions/mail/test',
    problem(502, 'The server refuses the password.'),
  );
  await page.getByRole('button', { name: 'Test E-mail' }).click();
  await expect
    .poll(() => page.locator('.session', { hasText: 'E-mail' }).locator('.said').textContent())
    .toBe('The server refuses the password.');
});
