/**
 * Takes the picture of README.md that shows a terminal: what `mosquitto_sub -v` prints of a simulated car
 * in town, with an alert of a rule that town traffic breaks. Takes a minute and a half.
 *
 *   node scripts/terminal-picture.ts
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { launchBrowser } from '../test/support/browser.ts';
import { get, logIn, PASSWORD } from '../test/support/tokens.ts';

const FILE = '.pictures/mosquitto-sub.png';
/** Until the simulated car drives in town. */
const DRIVE_MS = 60_000;
const LISTEN_MS = 12_000;
const LINES_MAX = 30;
const TOPICS = [
  'state',
  'signal/obd/vehicle/#',
  'signal/obd/engine/+',
  'vss/Vehicle/Speed',
  'alert/#',
];
const REVS = {
  ...{ name: 'Revs', severity: 'warn', cooldownMs: 10_000 },
  ...{ stream: 'obd.engine.rpm', when: { op: '>', value: 1_500, clear: 1_000 }, unit: '/min' },
};

const data = mkdtempSync(path.join(tmpdir(), 'vigil-pictures-'));
const flags = ['--sim', '1', '--vss', 'true', '--data', data, '--http', '127.0.0.1:0'];
const gateway = spawn(process.execPath, ['src/main.ts', ...flags, '--mqtt', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, VIGIL_SETUP_PASSWORD: PASSWORD },
});
try {
  const { url, port } = await addressesOf(gateway);
  await logIn(url);
  await addRule(url);
  await new Promise((resolve) => setTimeout(resolve, DRIVE_MS));
  const lines = await listen(port);
  await draw(lines);
  console.log(FILE);
} finally {
  gateway.kill();
  await once(gateway, 'exit');
  rmSync(data, { recursive: true });
}

/** What the gateway prints when it listens. */
async function addressesOf({ stdout }: ChildProcess): Promise<{ url: string; port: string }> {
  let [url, port] = ['', ''];
  if (stdout === null) throw new Error('the gateway has no output');
  for await (const line of createInterface({ input: stdout })) {
    port = /mqtt: on .*port (\d+)/.exec(line)?.[1] ?? port;
    url = /http:\S+/.exec(line)?.[0] ?? url;
    if (url && port) break;
  }
  stdout.resume();
  return { url, port };
}

async function addRule(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(REVS);
  const response = await get(`${url}api/v1/alerts`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the rule was refused: ${await response.text()}`);
}

async function listen(port: string): Promise<readonly string[]> {
  const filters = TOPICS.flatMap((topic) => ['-t', `car/vigil/${topic}`]);
  const flags = ['-h', '127.0.0.1', '-p', port, '-u', 'admin', '-P', PASSWORD, '-v'];
  const seconds = String(LISTEN_MS / 1000);
  const sub = spawn('mosquitto_sub', [...flags, '-W', seconds, ...filters], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: sub.stdout })) lines.push(line);
  return lines.slice(-LINES_MAX);
}

async function draw(lines: readonly string[]): Promise<void> {
  const command = `mosquitto_sub -h vigil.local -u maria -P "$PASSWORD" -v ${TOPICS.map((topic) => `-t car/vigil/${topic}`).join(' ')}`;
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
  await page.setContent(
    '<style>body{margin:0;background:#14181d;color:#d7dde4;font:14px/1.45 monospace}' +
      'pre{margin:0;padding:18px 22px;white-space:pre-wrap;overflow-wrap:anywhere}' +
      'b{color:#7fd1b9;font-weight:400}i{color:#8b98a5;font-style:normal}</style><pre></pre>',
  );
  await page.evaluate(
    ([asked, printed]) => {
      const pre = document.querySelector('pre');
      const put = (tag: string, text: string): void => {
        const part = document.createElement(tag);
        part.textContent = text;
        pre?.append(part);
      };
      put('i', `$ ${asked}\n`);
      for (const line of printed) {
        const end = line.indexOf(' ');
        put('b', line.slice(0, end));
        put('span', `${line.slice(end)}\n`);
      }
    },
    [command, lines] as const,
  );
  await page.locator('pre').screenshot({ path: FILE });
  await browser.close();
}
