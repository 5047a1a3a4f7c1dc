import { expect, test } from 'vitest';
import { type Input, read, refusal } from './read-config.ts';

const MAIL = 'smtps://car:s%40cret@mail.example?from=car@mail.example&to=me@mail.example';
const HOOK = 'https://host.example/path-that-is-secret';

test('where alerts go', () => {
  const { config } = read({
    flags: ['--mail', `${MAIL}&quiet=22:00-06:00&perHour=9`, '--link', 'http://car.local/'],
    env: { VIGIL_WEBHOOK: `${HOOK}#perHour=60,http://127.0.0.1:9/` },
    file: 'buzzer: gpio:gpiochip0/17?active=low',
  });
  expect(config).toMatchObject({
    mail: {
      ...{ host: 'mail.example', port: 465, tls: 'implicit', user: 'car', password: 's@cret' },
      ...{ quiet: { from: '22:00', to: '06:00' }, perHour: 9 },
    },
    webhook: [{ url: HOOK, perHour: 60 }, { url: 'http://127.0.0.1:9/' }],
    buzzer: { chip: 'gpiochip0', line: 17, activeLow: true },
    link: 'http://car.local',
  });
  const hooks = ['a', 'b'].flatMap((name) => ['--webhook', `https://${name}.example/`]);
  expect(read({ flags: hooks }).config.webhook).toHaveLength(2);
});

test.each<[Input, string]>([
  [{ flags: ['--mail', MAIL.replace('&to=', '&two=')] }, 'flag --mail: '],
  [{ flags: ['--mail', MAIL.replace('%40', '@').replace('?', '?x')] }, 'flag --mail: '],
  [{ env: { VIGIL_MAIL: `s@cret${MAIL}` } }, 'variable VIGIL_MAIL: '],
  [{ file: `mail: [${MAIL}, s@cret]` }, 'vigil.yaml line 1: mail: '],
  [{ file: `webhook: ${HOOK}#per=5` }, 'vigil.yaml line 1: webhook: '],
  [{ flags: ['--webhook', `ftp${HOOK}`] }, 'flag --webhook: '],
  [{ flags: Array<string[]>(5).fill(['--webhook', HOOK]).flat() }, 'flag --webhook: '],
  [{ env: { VIGIL_WEBHOOK: `${HOOK},nothing-secret` } }, 'variable VIGIL_WEBHOOK: '],
])('no message shows what is secret: %#', (input, where) => {
  const said = refusal(input);
  expect(said).toContain(where);
  expect(said).not.toMatch(/s(@|%40)cret|secret/);
  expect(said).toContain('expected');
  expect(said).not.toContain('found');
});

test.each([
  ['--buzzer', 'gpio:gpiochip0', 'line "" is not one of 0 to 1023'],
  ['--buzzer', 'gpio:gpiochip0/17?perHour=5', 'unknown part "perHour"'],
  ['--link', 'car.local', 'expected a URL such as http://10.42.0.1'],
  ['--link', 'ftp://car.local', 'expected a URL such as http://10.42.0.1'],
])('%s %s is refused: %s', (flag, value, text) => {
  expect(refusal({ flags: [flag, value] })).toContain(text);
});
