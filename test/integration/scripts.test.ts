/** The scripts on a machine that lacks something, played by commands of our own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const SCRIPTS = path.resolve(import.meta.dirname, '../../scripts');
let top = '';
let bin = '';

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-scripts-'));
  bin = path.join(top, 'bin');
  mkdirSync(bin);
  mkdirSync(path.join(top, 'scripts'));
  for (const name of [
    'bash',
    'dirname',
    'uname',
    'cmp',
    'cp',
    'rm',
    'sed',
    'flock',
    'mkdir',
    'sleep',
    'grep',
    'env',
  ]) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), path.join(bin, name));
  }
});

afterEach(() => {
  rmSync(top, { recursive: true });
});

/** A command of this machine. */
function command(name: string, body: string): void {
  const file = path.join(bin, name);
  writeFileSync(file, `#!${bin}/bash\n${body}\n`);
  chmodSync(file, 0o755);
}

function run(script: string, ...args: readonly string[]) {
  // What this machine has in a directory of its own choice is not there.
  const text = readFileSync(path.join(SCRIPTS, script), 'utf8').replaceAll('/usr/sbin', bin);
  const file = put(`scripts/${script}`, text);
  return spawnSync(path.join(bin, 'bash'), [file, ...args], {
    encoding: 'utf8',
    env: { PATH: bin },
  });
}

/** The same, while the test goes on. */
function start(script: string) {
  const file = path.join(top, 'scripts', script);
  copyFileSync(path.join(SCRIPTS, script), file);
  const child = spawn(path.join(bin, 'bash'), [file], { env: { PATH: bin } });
  const ended = once(child, 'close');
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  return { child, ended, text: () => text };
}

function put(name: string, content: string): string {
  const file = path.join(top, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A clone with one package to install, and an npm that installs it and counts itself. */
function clone(): void {
  put('package-lock.json', 'lock');
  put('package.json', '{\n  "dependencies": {\n    "@one/pack": "1.0.0"\n  }\n}\n');
  put('scripts/uws-relink.ts', '');
  command('node', 'echo 24');
  const arch = process.arch;
  command(
    'npm',
    `echo one >>"${top}/installs"
mkdir -p node_modules/@one/pack node_modules/node-linux-${arch}/bin
echo '{}' >node_modules/@one/pack/package.json
cp "${bin}/pinned" node_modules/node-linux-${arch}/bin/node`,
  );
  command('pinned', '');
}

function installs(): number {
  return readFileSync(path.join(top, 'installs'), 'utf8').split('\n').length - 1;
}

test('without root and without sudo, tests say what to install', () => {
  command('id', 'echo 1000');
  command('apt-get', 'exit 1');
  const { status, stderr } = run('test.sh');
  expect(stderr).toBe(
    'test: sudo is missing: install chromium-headless-shell socat openssl curl nginx systemd qemu-system-common e2fsprogs mount gcc libc6-dev g++ make python3 qemu-system-x86 busybox-static xz-utils kmod can-utils python3-can bluez bluez-test-tools dbus gpiod mosquitto mosquitto-clients mmdebstrap as root\n',
  );
  expect(status).toBe(1);
});

/** What the tests look for of Debian's, but for what has a service. */
const PROGRAMS = [
  ...[
    'chromium-headless-shell',
    'socat',
    'openssl',
    'curl',
    'systemd-notify',
    'mkfs.ext4',
    'mount',
    'gcc',
  ],
  ...['g++', 'make', 'python3', 'qemu-storage-daemon', 'qemu-system-x86_64', 'busybox', 'xz'],
  ...['modprobe', 'candump', 'can_logger', 'btvirt', 'dbus-daemon', 'gpioset'],
  ...['mosquitto_sub', 'mmdebstrap'],
];
/** Debian starts a service for each. */
const SERVED = ['nginx', 'bluetoothctl', 'mosquitto'];

/** What apt-get and systemctl are called for, where root has to install nginx, and more of these. */
function installing(
  state: string,
  apt = 0,
  besides: readonly string[] = ['bluetoothctl', 'mosquitto'],
): string[] {
  for (const name of [...PROGRAMS, ...besides]) command(name, '');
  command('id', 'echo 0');
  command('apt-get', `echo "apt-get $*" >>"${top}/calls"; [ "$1" = update ] || exit ${apt}`);
  const asked = `[ "$1" = is-system-running ] && { echo ${state}; exit 1; }`;
  command('systemctl', `${asked}; echo "$*" >>"${top}/calls"`);
  put('scripts/setup.sh', '#!/bin/sh\nexit 3\n');
  chmodSync(path.join(top, 'scripts/setup.sh'), 0o755);
  put('calls', '');
  run('test.sh');
  return readFileSync(path.join(top, 'calls'), 'utf8').trim().split('\n');
}

const UPDATE = 'apt-get update -qq';
const INSTALL = 'apt-get install -y -qq --no-install-recommends nginx';
const MASK = '--quiet --runtime mask nginx.service';
const UNMASK = '--quiet --runtime unmask nginx.service';
const OTHERS = ' bluetooth.service mosquitto.service';

test('the service of nginx that Debian would start is masked meanwhile, and then switched off', () => {
  const disable = '--quiet disable nginx.service';
  expect(installing('running')).toEqual([UPDATE, MASK, INSTALL, UNMASK, disable]);
  expect(installing('degraded', 100)).toEqual([UPDATE, MASK, INSTALL, UNMASK]);
});

test('so are those of bluez and mosquitto', () => {
  expect(installing('running', 0, [])).toEqual([
    UPDATE,
    MASK + OTHERS,
    `${INSTALL} bluez mosquitto`,
    UNMASK + OTHERS,
    `--quiet disable nginx.service${OTHERS}`,
  ]);
});

test('where systemd does not run, nothing is masked', () => {
  expect(installing('offline')).toEqual([UPDATE, INSTALL]);
});

test('a set-up that was interrupted begins again, also with the lock file of before', () => {
  clone();
  put('node_modules/.vigil-lock', 'old');
  const half = put('node_modules/half/package.json', '{}');
  command('npm', 'exit 1');
  expect(run('setup.sh')).toMatchObject({ status: 1 });
  expect(existsSync(half)).toBe(false);
  put('package-lock.json', 'old');
  const { status, stdout, stderr } = run('setup.sh');
  expect(stdout).toContain('installing the packages');
  expect(stderr).toContain('npm ci ended with an error');
  expect(status).toBe(1);
});

test('a second set-up does and says nothing, unless a package is gone', () => {
  clone();
  expect(run('setup.sh')).toMatchObject({ status: 0, stderr: '' });
  expect(run('setup.sh')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(installs()).toBe(1);
  rmSync(path.join(top, 'node_modules/@one'), { recursive: true });
  expect(run('setup.sh')).toMatchObject({ status: 0 });
  expect(installs()).toBe(2);
});

test('a package that npm left out is named, and the next set-up tries again', () => {
  clone();
  const npm = readFileSync(path.join(bin, 'npm'), 'utf8');
  command('npm', `${npm}\nrm -r node_modules/@one`);
  for (const count of [1, 2]) {
    expect(run('setup.sh')).toMatchObject({
      status: 1,
      stderr: 'setup: npm ci left out @one/pack\n',
    });
    expect(installs()).toBe(count);
  }
});

test('of two set-ups at once the second waits, and finds the work done', async () => {
  clone();
  command('slow', `until [ -e "${top}/go" ]; do sleep 0.02; done`);
  const npm = readFileSync(path.join(bin, 'npm'), 'utf8');
  command('npm', `slow\n${npm}`);
  const first = start('setup.sh');
  await vi.waitFor(() => expect(first.text()).toContain('installing'), 10_000);
  const second = start('setup.sh');
  await vi.waitFor(() => expect(second.text()).toBe('setup: waiting for another set-up\n'), 10_000);
  put('go', '');
  expect(await Promise.all([first.ended, second.ended])).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(installs()).toBe(1);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a set-up, and npm with it', async (signal) => {
  clone();
  command('npm', `echo $$ >"${top}/pid"; trap '' INT TERM; while :; do sleep 1; done`);
  const { child, ended, text } = start('setup.sh');
  const pid = () => Number(readFileSync(path.join(top, 'pid'), 'utf8'));
  await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), 10_000);
  child.kill(signal);
  expect(await ended).toEqual([1, null]);
  expect(text()).toContain('setup: interrupted; run it again\n');
  await vi.waitFor(() => expect(isRunning(pid())).toBe(false), 10_000);
});

/** A process that has ended, and that nobody has asked for its code yet, does not run. */
function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

/** What start.sh runs the gateway with, called from elsewhere, and what it says itself. */
function startedSaying(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  put('scripts/setup.sh', '#!/bin/sh\n');
  chmodSync(path.join(top, 'scripts/setup.sh'), 0o755);
  command('shown', 'shift; echo "$PWD: $*"');
  mkdirSync(path.join(top, 'node_modules/.bin'), { recursive: true });
  copyFileSync(path.join(bin, 'shown'), path.join(top, 'node_modules/.bin/node'));
  const file = path.join(top, 'scripts/start.sh');
  copyFileSync(path.join(SCRIPTS, 'start.sh'), file);
  const { stdout, stderr } = spawnSync(path.join(bin, 'bash'), [file, ...args], {
    encoding: 'utf8',
    cwd: bin,
    env: { PATH: bin, ...env },
  });
  return { stdout, stderr };
}

const SIMULATES = 'start: no device is given, so a car and a driver are simulated (--sim 1)\n';

test('the gateway simulates where no device is given, says so, and runs where the caller is', () => {
  const simulating = (args: string) => ({ stdout: `${bin}: ${args}\n`, stderr: SIMULATES });
  expect(startedSaying({})).toEqual(simulating('--sim 1'));
  expect(startedSaying({ VIGIL_LOG: 'debug', VIGIL_OBD: '' })).toEqual(simulating('--sim 1'));
  expect(startedSaying({}, '--data', 'here')).toEqual(simulating('--data here --sim 1'));
  const port = ['--http', '127.0.0.1:8091'];
  expect(startedSaying({}, ...port)).toEqual(simulating('--http 127.0.0.1:8091 --sim 1'));
});

test('nothing is simulated beside a device, a file that may name some, or a question', () => {
  const plain = (args: string) => ({ stdout: `${bin}: ${args}\n`, stderr: '' });
  for (const name of ['OBD', 'EEG', 'CONFIG', 'SIM', 'REPLAY']) {
    expect(startedSaying({ [`VIGIL_${name}`]: 'x' }, '--data', 'x')).toEqual(plain('--data x'));
    const flag = `--${name.toLowerCase()}`;
    expect(startedSaying({}, '--log', 'info', flag, '1')).toEqual(plain(`--log info ${flag} 1`));
    expect(startedSaying({}, `${flag}=1`)).toEqual(plain(`${flag}=1`));
  }
  for (const flag of ['--check', '--help', '-h', '--version']) {
    expect(startedSaying({}, flag)).toEqual(plain(flag));
  }
});

test('nothing is simulated where the settings in the data directory name a device', () => {
  const simulates = (...args: string[]) => startedSaying({}, ...args).stdout.includes('--sim 1');
  const kept = put(
    'kept/settings.yaml',
    'device: golf-7\n# obd: tcp://a:1\nlink: "http://obd:1"\n',
  );
  const data = path.dirname(kept);
  expect(simulates('--data', data)).toBe(true);
  for (const text of [
    'device: golf-7\nobd: tcp://192.168.0.10:35000\n',
    'eeg:\n  - thinkgear+sim:\n',
    '"sim" : 4',
    '{device: golf-7, replay: 3}\n',
  ]) {
    writeFileSync(kept, text);
    expect(simulates('--data', data), text).toBe(false);
    expect(simulates(`--data=${data}`), text).toBe(false);
    expect(startedSaying({ VIGIL_DATA: data }).stderr).toBe('');
    expect(simulates('--data', data, '--data', top), text).toBe(true);
  }
  put('data/settings.yaml', 'obd: tcp://a:1\n');
  expect(simulates()).toBe(false);
});

test('nothing is simulated where only what the gateway takes in their place names one', () => {
  const text = 'device: golf-7\nobd: tcp://192.168.0.10:35000\n';
  const file = put('kept/settings.good.copy', JSON.stringify({ file: 'settings.yaml', text }));
  expect(startedSaying({}, '--data', path.dirname(file)).stderr).toBe('');
});

test('all tests say at their start how long they take, some of them do not', () => {
  for (const name of [...PROGRAMS, ...SERVED]) command(name, '');
  put('scripts/setup.sh', '#!/bin/sh\necho set up\nexit 3\n');
  chmodSync(path.join(top, 'scripts/setup.sh'), 0o755);
  expect(run('test.sh')).toMatchObject({
    status: 3,
    stdout: 'test: everything takes some 20 minutes on 2 cores\nset up\n',
  });
  expect(run('test.sh', 'test/unit')).toMatchObject({ status: 3, stdout: 'set up\n' });
});

test('root gets the tree of the cloud before anything is tested, others go without', () => {
  for (const name of [...PROGRAMS, ...SERVED]) command(name, '');
  for (const [name, body] of [
    ['scripts/setup.sh', ''],
    ['scripts/cloud.sh', 'echo cloud "$@"'],
    ['node_modules/.bin/tsc', 'exit 3'],
  ] as const) {
    chmodSync(put(name, `#!/bin/sh\n${body}\n`), 0o755);
  }
  const said = (uid: number): string => {
    command('id', `echo ${uid}`);
    return run('test.sh', 'test/unit').stdout;
  };
  expect(said(0)).toBe('cloud --make-tree\ntest: types\n');
  expect(said(1000)).toBe('test: types\n');
});

test('what an export writes where nothing names its file is not for the repository', () => {
  const ignored = readFileSync(path.join(SCRIPTS, '../.gitignore'), 'utf8').split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['/vigil-session-*', '/vigil-all.*']));
});

/** How scripts/simulate.ts ends, which it has to by itself. */
function simulate(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(SCRIPTS, 'simulate.ts'), ...args],
    { encoding: 'utf8', timeout: 4_000 },
  );
  return { status, stdout, stderr };
}

test('the simulator leaves a file alone that is in the place of its terminal', () => {
  const precious = put('precious', 'x');
  const link = path.join(top, 'link');
  symlinkSync(precious, link);
  for (const place of [precious, link, bin]) {
    const { status, stderr } = simulate('--elm', `pty:${place}`);
    expect(stderr).toBe(`simulate: ${place}: there is a file already, which is left alone\n`);
    expect(status).toBe(1);
  }
  expect(readFileSync(link, 'utf8')).toBe('x');
});

test('the simulator says in one sentence what it cannot do', () => {
  const cases: [readonly string[], RegExp][] = [
    [['--seed', ''], /--seed: expected a whole number from 0, found ""/],
    [['--seed', '-1'], /Option '--seed' needs a value without a dash/],
    [['--speed'], /Unknown option '--speed'/],
    [['--elm', 'tcp:127.0.0.1:99999'], /expected a port from 0 to 65535/],
    [['--elm', 'tcp:127.0.0.1:0', '--thinkgear', 'usb:'], /expected tcp:HOST:PORT or pty/],
    [['--elm', 'pty:/proc/nope'], /proc\/nope: /],
  ];
  for (const [args, words] of cases) {
    const { status, stderr } = simulate(...args);
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^simulate: .*\n$/m);
    expect(stderr).not.toContain('usage');
    expect(status, args.join(' ')).toBe(1);
  }
});
