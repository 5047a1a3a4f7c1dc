/** Figures for people, as an aligned table, and for programs, as one JSON object a line. */
import { cpus, release, totalmem } from 'node:os';
import type { Figure } from './bench.ts';
import { significant } from './stats.ts';

/** What the figures were taken on. */
export function machine(): string {
  const all = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`;
  const model = all[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown CPU';
  return `${model}, ${all.length} cores, ${memory}, Linux ${release()}, Node ${process.version}`;
}

export function asJson(bench: string, { metric, value, unit, peer, n }: Figure): string {
  const peerValue = peer?.value ?? null;
  const ratio = ratioOf(value, peer?.value);
  return JSON.stringify({
    ...{ bench, metric, value, unit, peer: peer?.name ?? null, peerValue },
    ...{ ratio, n },
  });
}

const COLUMNS = ['bench', 'metric', 'value', 'unit', 'peer', 'value', 'ratio', 'to reach', 'n'];
const NUMERIC: ReadonlySet<number> = new Set([2, 5, 6, 8]);

export function asTable(rows: readonly { bench: string; figure: Figure }[]): string {
  const lines = [COLUMNS, ...rows.map(({ bench, figure }) => cells(bench, figure))];
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const pad = (text: string, i: number): string =>
    NUMERIC.has(i) ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

function cells(bench: string, { metric, value, unit, peer, goal, n }: Figure): string[] {
  const ratio = ratioOf(value, peer?.value);
  return [
    bench,
    metric,
    grouped(value),
    unit,
    peer?.name ?? '',
    peer ? grouped(peer.value) : '',
    ratio === null ? '' : `${grouped(ratio)}x`,
    goal ?? '',
    String(n),
  ];
}

/** Null where there is nothing to divide by. */
function ratioOf(value: number, peerValue: number | undefined): number | null {
  return peerValue ? significant(value / peerValue, 3) : null;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 5 });
}
