/** Runs benchmarks and prints what they measured. */
import { parseArgs } from 'node:util';
import { alert } from './alert.ts';
import type { Bench, BenchOptions, Figure } from './bench.ts';
import { bridge } from './bridge.ts';
import { bus } from './bus.ts';
import { can } from './can.ts';
import { canLog } from './can-log.ts';
import { eeg } from './eeg.ts';
import { elm } from './elm.ts';
import { fanout } from './fanout.ts';
import { ingest } from './ingest.ts';
import { ingestCloud } from './ingest-cloud.ts';
import { isotp } from './isotp.ts';
import { latency } from './latency.ts';
import { logins } from './logins.ts';
import { memory } from './memory.ts';
import { mqtt } from './mqtt.ts';
import { query } from './query.ts';
import { asJson, asTable, machine } from './report.ts';
import { stall } from './stall.ts';
import { start } from './start.ts';
import { storeSize } from './store-size.ts';
import { storeWear } from './store-wear.ts';
import { web } from './web.ts';

const BENCHES: readonly Bench[] = [
  ...[isotp, can, canLog, bus, eeg, elm, ingest, ingestCloud, query, storeSize, storeWear],
  ...[start, web, latency, alert, logins, fanout, stall, mqtt, bridge, memory],
];

const USAGE = `usage: npm run bench -- [NAME ...] [options]
  NAME            ${BENCHES.map(({ name }) => name).join(', ')}; all of them when absent
  --json          one JSON object a line in place of the table
  --scale N,...   multiples of the usual load (default 1); several show how the cost grows
  --minutes N     how long the memory of a drive is watched (default 1)`;

class UsageError extends Error {}

try {
  await main();
} catch (error) {
  // parseArgs throws TypeErrors with a sentence for people and a code.
  const misused = error instanceof UsageError || (error instanceof TypeError && 'code' in error);
  if (!misused) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      scale: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const scales = values.scale.split(',').map((text) => positive('--scale', text));
  const options = { scales, minutes: positive('--minutes', values.minutes) };
  if (!values.json) console.log(`${machine()}\n`);
  for (const bench of chosen(positionals)) {
    const print = values.json ? printJson : printTable;
    await print(bench, options);
  }
}

function chosen(names: readonly string[]): readonly Bench[] {
  for (const name of names) {
    if (!BENCHES.some((bench) => bench.name === name)) {
      throw new UsageError(`no benchmark is called ${name}`);
    }
  }
  return names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
}

async function printJson(bench: Bench, options: BenchOptions): Promise<void> {
  for await (const figure of bench.run(options)) console.log(asJson(bench.name, figure));
}

async function printTable(bench: Bench, options: BenchOptions): Promise<void> {
  const figures: Figure[] = [];
  for await (const figure of bench.run(options)) figures.push(figure);
  console.log(`${asTable(figures.map((figure) => ({ bench: bench.name, figure })))}\n`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${option}: expected a number above 0, found ${JSON.stringify(text)}`);
}
