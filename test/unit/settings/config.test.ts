import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { readConfig, USAGE } from '../../../src/settings/config.ts';
import { flagOf } from '../../../src/settings/names.ts';
import { type Input, read, refusal } from './read-config.ts';

const DEFAULTS = {
  device: 'vigil',
  data: path.resolve(import.meta.dirname, '../../../data'),
  http: { host: '127.0.0.1', port: 8080 },
  ...{ https: undefined, hosts: [], origins: [], proxies: [] },
  obd: undefined,
  eeg: [],
  ...{ can: [], canTransmit: 'none', canRate: 10, dbc: [] },
  sim: undefined,
  quota: 512,
  replay: undefined,
  speed: 1,
  ...{ mail: undefined, webhook: [], buzzer: undefined, link: undefined },
  ...{ registration: 'invite', requireTls: true, production: false },
  ...{ mqtt: undefined, mqtts: undefined, vss: false },
  ...{ cloud: undefined, cloudBudget: undefined, cloudLive: false, homeAssistant: undefined },
  log: 'info',
};
const SIM = { kind: 'sim' };
const HEADSET = 'thinkgear+serial:///dev/rfcomm0';
const SETTINGS =
  'device, data, http, https, hosts, origins, proxies, obd, eeg, can, canTransmit, ' +
  'canRate, dbc, sim, quota, replay, speed, mail, webhook, buzzer, link, registration, requireTls, ' +
  'production, mqtt, mqtts, vss, cloud, cloudBudget, cloudLive, homeAssistant, log';

test('without anything written the defaults hold', () => {
  const { config, check } = read({});
  expect(config).toEqual(DEFAULTS);
  expect(check).toBe(false);
});

test('a flag is above a variable, a variable above the file, the file above the default', () => {
  const [file, env] = ['device: from-file', { VIGIL_DEVICE: 'from-env' }];
  const flags = ['--device', 'from-flag'];
  const cases: [Input, string][] = [
    [{}, 'vigil'],
    [{ file }, 'from-file'],
    [{ env }, 'from-env'],
    [{ flags }, 'from-flag'],
    [{ file, env }, 'from-env'],
    [{ file, flags }, 'from-flag'],
    [{ env, flags }, 'from-flag'],
    [{ file, env, flags }, 'from-flag'],
  ];
  for (const [input, device] of cases) {
    expect(read(input).config.device, JSON.stringify(input)).toBe(device);
  }
});

test('each place sets only what is written in it', () => {
  const { config } = read({
    file: 'data: /var/lib/vigil\nlog: debug\n',
    env: { VIGIL_LOG: 'warn', VIGIL_OBD: 'sim:' },
    flags: ['--http', '127.0.0.2:80'],
  });
  expect(config).toEqual({
    ...DEFAULTS,
    data: '/var/lib/vigil',
    log: 'warn',
    obd: SIM,
    http: { host: '127.0.0.2', port: 80 },
  });
});

test('a file may be named by a variable, and the flag goes before it', () => {
  const readFile = (path: string): string => `device: ${path}`;
  const env = { VIGIL_CONFIG: 'one' };
  expect(readConfig([], env, readFile).config.device).toBe('one');
  expect(readConfig(['--config', 'two'], env, readFile).config.device).toBe('two');
});

test('variables of other programs and empty ones are no settings', () => {
  const env = { HTTP: 'x', VIGIL: 'x', XVIGIL_HTTP: 'x', VIGIL_HTTP: '', VIGIL_CONFIG: '' };
  expect(read({ env }).config).toEqual(DEFAULTS);
});

test('addresses are a host and a port', () => {
  const cases: [string, { host: string; port: number }][] = [
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
  ];
  for (const [text, http] of cases) {
    expect(read({ flags: ['--http', text] }).config.http).toEqual(http);
  }
});

test('headsets are a list, written as each place writes lists', () => {
  const eeg = [
    { device: 'thinkgear', port: { kind: 'serial', path: '/dev/rfcomm0' } },
    { device: 'thinkgear', port: SIM },
  ];
  const inputs: Input[] = [
    { file: `eeg:\n  - ${HEADSET}\n  - 'thinkgear+sim:'\n` },
    { file: `eeg: [ "${HEADSET}", "thinkgear+sim:" ]` },
    { env: { VIGIL_EEG: `${HEADSET},thinkgear+sim:` } },
    { flags: ['--eeg', HEADSET, '--eeg', 'thinkgear+sim:'] },
  ];
  for (const input of inputs) expect(read(input).config.eeg).toEqual(eeg);
});

test('a list of one may be written without its brackets', () => {
  const eeg = [{ device: 'thinkgear', port: { kind: 'serial', path: '/dev/rfcomm0' } }];
  expect(read({ file: `eeg: ${HEADSET}` }).config.eeg).toEqual(eeg);
});

test('each refusal of a value of any kind is in our own words', () => {
  let refused = 0;
  for (const key of SETTINGS.split(', ')) {
    for (const value of [
      '',
      '5',
      '-1.5',
      'true',
      '""',
      '[]',
      '[5]',
      '[null, x]',
      '.nan',
      '2026-01-01',
    ]) {
      try {
        read({ file: `${key}: ${value}` });
      } catch (error) {
        refused++;
        expect(String(error)).toMatch(/: (?:.*; )?(?:expected|this version) /);
        expect(String(error)).not.toMatch(/Invalid|Expected|Received/);
      }
    }
  }
  expect(refused).toBeGreaterThan(100);
});

test('a simulation takes the place of the devices that are not given', () => {
  const headset = { device: 'thinkgear', port: SIM };
  expect(read({ flags: ['--sim', '7'] }).config).toMatchObject({
    sim: 7,
    obd: SIM,
    eeg: [headset],
  });
  expect(read({ file: 'sim: 0\nobd: tcp://10.0.0.1:35000\n' }).config).toMatchObject({
    sim: 0,
    obd: { kind: 'tcp', host: '10.0.0.1', port: 35_000 },
    eeg: [headset],
  });
  const port = { kind: 'serial', path: '/dev/rfcomm0' };
  expect(read({ flags: ['--sim', '4294967295', '--eeg', HEADSET] }).config).toMatchObject({
    sim: 0xffff_ffff,
    obd: SIM,
    eeg: [{ device: 'thinkgear', port }],
  });
});

test('--check is told to the caller, and errors are the same with it', () => {
  expect(read({ flags: ['--check'] }).check).toBe(true);
  expect(refusal({ flags: ['--check', '--log', 'loud'] })).toBe(
    refusal({ flags: ['--log', 'loud'] }),
  );
});

test('the configuration cannot be changed afterwards, in none of its parts', () => {
  for (const flags of [[], ['--sim', '1'], ['--eeg', HEADSET]]) {
    const { config } = read({ flags });
    const parts = [config, config.http, config.eeg, ...config.eeg, config.eeg[0]?.port];
    expect(parts.every(Object.isFrozen), flags.join(' ')).toBe(true);
  }
});

test('the usage text says that a foreign variable of our prefix stops the start', () => {
  expect(USAGE).toContain('begins with VIGIL_ stops the start');
  expect(refusal({ env: { VIGIL_CHECK: '1' } })).toContain('no setting is called "check"');
});

test('the usage text tells of every setting, and of no other', () => {
  const flags = [...USAGE.matchAll(/^ {2}--([a-z-]+) +[A-Z]/gm)].map(([, name]) => name ?? '');
  expect(flags.toSorted()).toEqual(['config', ...SETTINGS.split(', ').map(flagOf)].toSorted());
  for (const flag of flags) {
    expect(refusal({ flags: [`--${flag}=`] }), flag).not.toContain('there is no option');
  }
});

const NAME = 'a name of a-z, 0-9, _ and -, at most 23';
const ADDRESS = 'HOST:PORT such as 127.0.0.1:8080';
const PORT_URL =
  'serial:///dev/ttyUSB0?baud=38400, bt://00:1D:A5:68:98:8B, tcp://192.168.0.10:35000 or sim:';
const EEG_URL =
  'thinkgear+bt://00:81:F9:08:A1:72, thinkgear+tcp://192.168.0.10:13854 or thinkgear+sim:';
const ONE_MANY = 'a value or a list of values';

/** One setting that cannot be used, and the whole of what is said about it. */
const REFUSED: readonly (readonly [input: Input, message: string])[] = [
  [{ flags: ['--device', 'My Car'] }, `flag --device: expected ${NAME}, found "My Car"`],
  [{ file: 'device: 5' }, `vigil.yaml line 1: device: expected ${NAME}, found 5`],
  [
    { env: { VIGIL_DEVICE: 'x'.repeat(24) } },
    `variable VIGIL_DEVICE: expected ${NAME}, found "${'x'.repeat(24)}"`,
  ],
  [{ file: '\ndata: ""' }, 'vigil.yaml line 2: data: expected a directory, found ""'],
  [{ flags: ['--http', '8080'] }, `flag --http: expected ${ADDRESS}, found "8080"`],
  [{ file: 'http: 8080' }, `vigil.yaml line 1: http: expected ${ADDRESS}, found 8080`],
  [{ flags: ['--http', '::1:80'] }, `flag --http: expected ${ADDRESS}, found "::1:80"`],
  [
    { flags: ['--http', 'x:65536'] },
    'flag --http: expected a port from 0 to 65535, found "x:65536"',
  ],
  [
    { env: { VIGIL_OBD: '/dev/ttyUSB0' } },
    `variable VIGIL_OBD: expected ${PORT_URL}, found "/dev/ttyUSB0"`,
  ],
  [{ file: 'obd:\n' }, 'vigil.yaml line 1: obd: expected a port URL, found null'],
  [
    { file: '# car\n\nlog: info\nobd: serial:///dev/x?baud=1 # slow\n' },
    'vigil.yaml line 4: obd: expected a baud rate from 300 to 4000000, found "serial:///dev/x?baud=1"',
  ],
  [
    { flags: ['--eeg', HEADSET, '--eeg', 'serial:///dev/rfcomm1'] },
    `flag --eeg: expected ${EEG_URL}, found "serial:///dev/rfcomm1"`,
  ],
  [{ env: { VIGIL_EEG: 'muse+:' } }, `variable VIGIL_EEG: expected ${EEG_URL}, found "muse+:"`],
  [
    { env: { VIGIL_EEG: 'thinkgear+usb:' } },
    `variable VIGIL_EEG: expected ${EEG_URL}, found "thinkgear+usb:"`,
  ],
  [{ flags: ['--sim', '-1'] }, 'flag --sim: expected a whole number from 0, found "-1"'],
  [{ flags: ['--sim', '--log', 'info'] }, 'flag --sim: its value is missing'],
  [{ flags: ['--sim'] }, 'flag --sim: its value is missing'],
  [
    { flags: ['--obd', 'tcp://192.168.0.10'] },
    `flag --obd: no port; expected ${PORT_URL}, found "tcp://192.168.0.10"`,
  ],
  [
    { flags: ['--eeg', 'thinkgear+tcp://10.0.0.1:99999'] },
    `flag --eeg: port 99999 is not one of 1 to 65535; expected ${EEG_URL}, found "thinkgear+tcp://10.0.0.1:99999"`,
  ],
  [{ file: 'eeg: 5' }, `vigil.yaml line 1: eeg: expected ${EEG_URL}, or a list of them, found 5`],
  [{ flags: ['--sim', 'yes'] }, 'flag --sim: expected a whole number from 0, found "yes"'],
  [{ file: 'sim: 1.5' }, 'vigil.yaml line 1: sim: expected a whole number from 0, found 1.5'],
  [{ file: 'sim: -1' }, 'vigil.yaml line 1: sim: expected a whole number from 0, found -1'],
  [
    { flags: ['--sim', '4294967296'] },
    'flag --sim: expected a whole number below 2^32, found 4294967296',
  ],
  [
    { file: 'mqtt: true' },
    'vigil.yaml line 1: mqtt: expected HOST:PORT such as 127.0.0.1:1883, found true',
  ],
  [
    { flags: ['--cloud', 'mqtts://car:canary@cloud.example'] },
    'flag --cloud: no tenant; expected mqtts://user:password@cloud.example:8883/tenant?ca=FILE&cert=FILE&key=FILE',
  ],
  [
    { flags: ['--home-assistant', 'http://car:canary@host'] },
    'flag --home-assistant: expected mqtt://user:password@homeassistant.local:1883',
  ],
  [
    { flags: ['--cloud-budget', '0'] },
    'flag --cloud-budget: expected megabytes: a whole number from 1 to 1000000, found 0',
  ],
  [
    { flags: ['--mqtts', '8883'] },
    'flag --mqtts: expected HOST:PORT such as 127.0.0.1:1883, found "8883"',
  ],
  [{ flags: ['--log', 'loud'] }, 'flag --log: expected debug, info, warn or error, found "loud"'],
  [
    { file: 'wallpaper: 5' },
    `vigil.yaml line 1: no setting is called "wallpaper"; there are ${SETTINGS}`,
  ],
  [
    { env: { VIGIL_WALLPAPER: '5' } },
    `variable VIGIL_WALLPAPER: no setting is called "wallpaper"; there are ${SETTINGS}`,
  ],
  [
    { file: '__proto__: 5' },
    `vigil.yaml line 1: no setting is called "__proto__"; there are ${SETTINGS}`,
  ],
  [{ file: 'just text' }, 'vigil.yaml line 1: expected "key: value" lines, found "just text"'],
  [
    { file: '- a\n- *b' },
    'vigil.yaml line 1: expected "key: value" lines, found a list with other lists, maps or aliases in it',
  ],
  [{ file: 'obd: {a: 1}' }, `vigil.yaml line 1: obd: expected ${ONE_MANY}, found a map`],
  [{ file: 'obd: *x' }, `vigil.yaml line 1: obd: expected ${ONE_MANY}, found an alias`],
  [
    { file: 'eeg: &a [*a]' },
    `vigil.yaml line 1: eeg: expected ${ONE_MANY}, found a list with other lists, maps or aliases in it`,
  ],
  [{ file: 'x'.repeat(256 * 1024 + 1) }, 'vigil.yaml: 262145 characters, at most 262144 are read'],
];

test('what cannot be used is refused with the place, the key, what was expected and found', () => {
  for (const [input, message] of REFUSED) expect(refusal(input)).toBe(message);
});

test('what listens has a port of its own', () => {
  const with8883 = (...flags: string[]) => ({ flags: ['--mqtts', '0.0.0.0:8883', ...flags] });
  for (const [flags, key, other] of [
    [['--mqtt', '0.0.0.0:8883'], 'mqtts', 'mqtt'],
    [['--mqtt', '192.168.4.1:8883'], 'mqtts', 'mqtt'],
    [['--http', '127.0.0.1:8883'], 'mqtts', 'http'],
  ] as const) {
    expect(refusal(with8883(...flags))).toBe(
      `${key}: expected another port than that of ${other}, found 8883`,
    );
  }
  const apart = ['--mqtt', '192.168.4.1:1883', '--http', '127.0.0.1:1883'];
  expect(read(with8883(...apart, '--https', '127.0.0.1:0')).config.mqtt).toMatchObject({
    port: 1883,
  });
});

test('an unknown flag, a value too few and a stray word are refused', () => {
  expect(refusal({ flags: ['--wallpaper', '5'] })).toContain('there is no option --wallpaper');
  expect(refusal({ flags: ['--http'] })).toContain('--http');
  expect(refusal({ flags: ['--check=no'] })).toContain('--check');
  expect(refusal({ flags: ['start'] })).toContain("'start'");
});

test('a file that cannot be read is named, and what is no YAML by its line', () => {
  expect(refusal({ flags: ['--config', '/etc/none'] })).toBe('/etc/none: no such file');
  expect(refusal({ file: 'log: info\nobd: [1\n' })).toMatch(/^vigil\.yaml line [23]: not YAML: /);
  expect(refusal({ file: 'log: info\nlog: warn\n' })).toBe(
    'vigil.yaml line 2: not YAML: Map keys must be unique at line 2, column 1',
  );
  expect(refusal({ file: '['.repeat(50_000) })).toMatch(/^vigil\.yaml line 1: not YAML: /);
});

test('a file without settings, or with a byte order mark, is a file', () => {
  for (const file of ['', '\n\n', '# nothing yet\n', '---\n', '\ufeff']) {
    expect(read({ file }).config, JSON.stringify(file)).toEqual(DEFAULTS);
  }
  expect(read({ file: '\ufefflog: warn\r\ndata: x\r\n' }).config).toMatchObject({
    log: 'warn',
    data: 'x',
  });
});

test('a message shows only the beginning of a long value', () => {
  const message = refusal({ file: `device: ${'x'.repeat(200_000)}` });
  expect(message).toContain('found "xxx');
  expect(message.length).toBeLessThan(300);
});

test('any text is a configuration or a ConfigError', () => {
  const words = [
    'eeg',
    'http',
    'sim',
    'log',
    ': ',
    '\n',
    '- ',
    '  ',
    '*a',
    '&a ',
    '[',
    ']',
    '{',
    '}',
  ];
  const more = [
    '"',
    "'",
    '|',
    '>',
    '!!set ',
    '? ',
    '#',
    '---\n',
    '%YAML 1.1\n',
    '<<',
    ',',
    '\t',
    '0',
    '~',
  ];
  const yaml = fc.array(fc.constantFrom(...words, ...more), { maxLength: 12 });
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    yaml.map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (file) => {
      try {
        read({ file });
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 500 },
  );
});
