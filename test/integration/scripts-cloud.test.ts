/** scripts/cloud.sh: what it refuses, how it makes its tree (of commands of our own), and how it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLOUD_START_MS_MAX, missingForCloud } from '../support/cloud-tree.ts';
import { freePorts } from '../support/free-ports.ts';

const SCRIPTS = path.resolve(import.meta.dirname, '../../scripts');
/** What a tree is looked at for. */
const PARTS = [
  ...['bin/bash', 'usr/lib/rabbitmq/bin/rabbitmq-server', 'usr/bin/erl', 'usr/bin/epmd'],
  ...['usr/bin/setpriv', 'usr/lib/postgresql/17/bin/postgres', 'usr/lib/postgresql/17/bin/initdb'],
  ...['usr/lib/postgresql/17/bin/pg_isready', 'usr/lib/postgresql/17/lib/timescaledb.so'],
];
let top = '';
let tree = '';

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-cloud-script-'));
  tree = path.join(top, 'tree');
  mkdirSync(path.join(top, 'bin'));
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

/** A command of this machine. */
function command(name: string, body: string): void {
  const file = path.join(top, 'bin', name);
  writeFileSync(file, `#!/bin/bash\n${body}\n`);
  chmodSync(file, 0o755);
}

function run(script: string, ...args: readonly string[]) {
  const { PATH, HOME } = process.env;
  const env = { PATH: `${top}/bin:${PATH}:/usr/sbin`, HOME };
  const { status, stdout, stderr } = spawnSync(path.join(SCRIPTS, script), args, {
    encoding: 'utf8',
    cwd: top,
    env,
  });
  return { status, stdout, stderr };
}

/** A machine whose apt knows these targets, and an mmdebstrap that writes down how it was called. */
function debian(targets: readonly string[], build = ''): void {
  command(
    'apt-get',
    `[ "$1" = indextargets ] && printf '%s\\n' ${targets.map((t) => `'${t}'`).join(' ')}`,
  );
  command('gpgv', '');
  command('unshare', 'shift; exec "$@"');
  const files = PARTS.map((file) => `mkdir -p $made/$(dirname ${file}); touch $made/${file}`);
  const made = `made=${tree}.new\nmkdir -p $made\n${files.join('\n')}`;
  command('mmdebstrap', `printf '%s\\n' "$@" >>"${top}/calls"\n${made}\n${build}`);
}

function calls(): string[] {
  return readFileSync(path.join(top, 'calls'), 'utf8').split('\n').slice(0, -1);
}

test('it says in one sentence what it cannot do', () => {
  const cases: [readonly string[], string][] = [
    [['--mqtt-port', '0'], '--mqtt-port: expected a port from 1 to 65535, found "0"'],
    [['--amqp-port', '65536'], '--amqp-port: expected a port from 1 to 65535, found "65536"'],
    [['--database-port', 'x'], '--database-port: expected a port from 1 to 65535, found "x"'],
    [['--metrics-port'], '--metrics-port: a value is missing'],
    [['--only', 'ingest'], '--only: expected broker or database, found "ingest"'],
    [['--web-port', '80'], '--web-port: there is no such option; --help names them'],
    [['data'], 'data: there is no such option; --help names them'],
    ...['A', '', 'a/b', 'ingest', 'x'.repeat(24)].map((name): [string[], string] => [
      ['--tenant', name],
      `--tenant: expected 1 to 23 of a-z, 0-9, _ and -, and not ingest, found "${name}"`,
    ]),
  ];
  for (const [args, words] of cases) {
    expect(run('cloud.sh', ...args)).toEqual({
      status: 1,
      stdout: '',
      stderr: `cloud: ${words}\n`,
    });
  }
  expect(run('cloud.sh', '--help').stdout).toContain('--only PART');
});

test('nobody but root', () => {
  command('id', 'echo 1000');
  const { status, stderr } = run('cloud.sh', '--data', path.join(top, 'data'));
  expect(stderr).toBe(
    'cloud: only root may make and enter the Debian tree: run it with sudo, or use scripts/cloud/compose.yaml\n',
  );
  expect(status).toBe(1);
  expect(existsSync(path.join(top, 'data'))).toBe(false);
});

test('the tree comes from where this machine has its packages from, and is made once', () => {
  debian([
    'Debian http://mirror.test/debian/ bookworm',
    'Debian http://mirror.test/debian/ bookworm-updates',
    'Debian http://mirror.test/security/ bookworm-security',
    'Others http://others.test/ bookworm',
  ]);
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0, stderr: '' });
  expect(calls().slice(-4)).toEqual([
    'trixie',
    `${tree}.new`,
    'deb http://mirror.test/debian/ trixie main',
    'deb http://mirror.test/security/ trixie-security main',
  ]);
  expect(calls()).toContain('--include=rabbitmq-server,postgresql-17,postgresql-17-timescaledb');
  const count = calls().length;
  expect(run('cloud/tree.sh', tree)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(calls()).toHaveLength(count);
});

test('without a source of packages that has the release, mmdebstrap knows where', () => {
  debian(['Debian http://mirror.test/security/ bookworm-security', 'Ubuntu http://u.test/ noble']);
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0 });
  expect(calls().at(-1)).toBe(`${tree}.new`);
});

test.each(PARTS)('a tree without %s is made anew, and so is one of other packages', (part) => {
  debian([]);
  run('cloud/tree.sh', tree);
  rmSync(path.join(tree, part));
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0 });
  expect(existsSync(path.join(tree, part))).toBe(true);
  writeFileSync(path.join(tree, '.vigil-tree'), 'trixie rabbitmq-server 1\n');
  const made = calls().length;
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0 });
  expect(calls().length).toBeGreaterThan(made);
});

test('a tree that was interrupted is begun again', () => {
  debian([]);
  mkdirSync(`${tree}.new/half`, { recursive: true });
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0 });
  expect(existsSync(`${tree}/half`)).toBe(false);
});

test('a directory that is no tree of ours is left alone', () => {
  debian([]);
  const precious = path.join(tree, 'precious');
  mkdirSync(tree);
  expect(run('cloud/tree.sh', tree)).toMatchObject({ status: 0 });
  rmSync(tree, { recursive: true });
  mkdirSync(tree);
  writeFileSync(precious, '');
  expect(run('cloud/tree.sh', tree)).toEqual({
    status: 1,
    stdout: '',
    stderr: `cloud: ${tree} is there, and no tree of ours: it is left alone; name another with --tree\n`,
  });
  expect(existsSync(precious)).toBe(true);
});

test('it says where there is no room, and where there is no network', () => {
  debian([], 'echo "E: Unable to connect"; exit 1');
  const { status, stderr } = run('cloud/tree.sh', tree);
  expect(stderr).toBe(
    `E: Unable to connect\ncloud: the tree could not be made: is there a network? All of it is in ${tree}.log\n`,
  );
  expect(status).toBe(1);
  expect(existsSync(tree)).toBe(false);
  command('df', 'echo Filesystem; echo /dev/a 2000000 1000000 500000 60% /');
  expect(run('cloud/tree.sh', tree).stderr).toBe(
    `cloud: the tree needs 1024 MB in ${top}, where 488 MB are free\n`,
  );
});

const missing = missingForCloud();
const title = `a real one (${missing ? `not here: needs ${missing}` : 'Debian 13'})`;

describe.skipIf(missing !== '')(title, () => {
  /** One with broker and database, and its ports. */
  async function start() {
    const [amqp = 0, mqtt = 0, database = 0] = await freePorts(3);
    const ports = [
      '--amqp-port',
      `${amqp}`,
      '--mqtt-port',
      `${mqtt}`,
      '--database-port',
      `${database}`,
    ];
    const args = ['--no-ingest', '--data', path.join(top, 'data'), ...ports];
    const child = spawn(path.join(SCRIPTS, 'cloud.sh'), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    const ended = once(child, 'close');
    const listening = async (): Promise<boolean[]> =>
      await Promise.all([amqp, mqtt, database].map(isTaken));
    await expect.poll(() => text, { timeout: CLOUD_START_MS_MAX }).toContain('cloud: ready');
    return { child, ended, listening, text: () => text };
  }

  const GONE = [false, false, false];
  const pidOf = (part: string): number =>
    Number(readFileSync(path.join(top, 'data/run', `${part}.pid`), 'utf8'));

  test(
    'goes with what it started when it is killed, and starts again',
    async () => {
      const first = await start();
      expect(await first.listening()).toEqual([true, true, true]);
      const secrets = readFileSync(path.join(top, 'data/secrets'), 'utf8');
      first.child.kill('SIGKILL');
      await first.ended;
      await expect.poll(first.listening, { timeout: 20_000 }).toEqual(GONE);
      const second = await start();
      expect(readFileSync(path.join(top, 'data/secrets'), 'utf8')).toBe(secrets);
      second.child.kill('SIGINT');
      expect(await second.ended).toEqual([0, null]);
      expect(await second.listening()).toEqual(GONE);
      expect(existsSync(path.join(top, 'data/run/database.pid'))).toBe(false);
      const log = readFileSync(path.join(top, 'data/log/database.log'), 'utf8');
      expect(log).toContain('automatic recovery in progress');
      expect(log).toContain('database system is shut down');
    },
    CLOUD_START_MS_MAX,
  );

  test(
    'ends when a part ends, says so, and lets nobody else at its data',
    async () => {
      const one = await start();
      const another = run('cloud.sh', '--no-ingest', '--data', path.join(top, 'data'));
      expect(another.stderr).toBe(`cloud: the database runs already on ${top}/data\n`);
      process.kill(pidOf('broker'), 'SIGKILL');
      expect(await one.ended).toEqual([1, null]);
      expect(one.text()).toContain('cloud: the broker has ended; the end of');
      expect(await one.listening()).toEqual(GONE);
    },
    CLOUD_START_MS_MAX,
  );
});

async function isTaken(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true));
  socket.once('error', () => resolve(false));
  const taken = await promise;
  socket.destroy();
  return taken;
}
