import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import type { AlertRule } from '#core/alert.ts';
import { durationText } from '#core/duration.ts';
import { codeOf, isSystemError } from '#core/errors.ts';
import type { BacktestAlert } from '../../src/alerts/backtest/findings.ts';
import { checkRule } from '../../src/alerts/rule/check.ts';
import { ruleFaults } from '../../src/alerts/rule/fields.ts';
import { RuleBody } from '../../src/alerts/rule/schema.ts';
import { SHIPPED_RULES } from '../../src/alerts/rule/shipped.ts';
import { backtests } from '../../src/reading/backtest.ts';
import type { SessionBacktest } from '../../src/reading/questions.ts';
import { sessionStretches, studyTimes } from '../../src/reading/stretches.ts';
import type { OfflineStore } from '../../src/store/opening/offline.ts';
import { UsageError } from './errors.ts';
import { DATA_OPTION, dataDirectory, findSession, openRecording } from './recording.ts';
import { table } from './words.ts';

const OPTIONS = {
  ...DATA_OPTION,
  rule: { type: 'string' },
  against: { type: 'string' },
} as const;
const HEADING = ['SESSION', 'START', 'DURATION', 'SEVERITY', 'ENDED', 'CAUSE'];
const RIGHT = [0, 1, 2];

/** Tells when a rule, or two versions of one, would have found something. Returns the exit code. */
export async function backtestCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    allowPositionals: true,
  });
  const { rule, against } = values;
  if (rule === undefined) throw new UsageError('expected --rule; see --help');
  const written = against === undefined ? [rule] : [rule, against];
  // What is in no file is only known with the store.
  const drafts = written.map((one) => (isFile(one) ? parse(one, read(one)) : undefined));
  const store = await openRecording(dataDirectory(values.data));
  try {
    const reader = store.reader();
    const rules = written.map((one, i) => {
      const draft = drafts[i];
      return draft ? checked(draft, one, store) : ruleOf(one, store);
    });
    const sessions = (positionals.length > 0 ? positionals : [undefined]).map((name) => {
      const session = findSession(store, name);
      return { session: session.id, stretches: sessionStretches(store, session) };
    });
    const studies = studyTimes(store.sessions(), rules, Number.MAX_SAFE_INTEGER);
    const question = { rules, versions: against !== undefined, sessions, studies };
    for (const made of backtests(reader, question)) {
      if (made !== undefined) process.stdout.write(text(made));
    }
    return reader.damaged.count === 0 ? 0 : 1;
  } finally {
    await store.close();
  }
}

/** A file has a rule as the API takes one; anything else is the id of a rule. */
function isFile(written: string): boolean {
  return /[./]/.test(written);
}

/** As the gateway has it: made or changed by somebody, or as it came. */
function ruleOf(id: string, store: OfflineStore): AlertRule {
  const rules = new Map([...SHIPPED_RULES, ...store.rules()].map((rule) => [rule.id, rule]));
  const rule = rules.get(id);
  if (rule) return rule;
  const ids = [...rules.keys()].join(', ');
  throw new UsageError(`no rule ${JSON.stringify(id)}; there are ${ids}, or name a .json file`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const text = codeOf(error) === 'ENOENT' ? 'there is no such file' : error.message;
    throw new UsageError(`${file}: ${text}`, { cause: error });
  }
}

function parse(file: string, json: string): AlertRule {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${file}: ${error.message}`, { cause: error });
  }
  const { success, output, issues } = v.safeParse(RuleBody, value);
  if (success) return { ...output, id: 'draft' };
  const [fault] = ruleFaults(issues);
  const place = fault?.pointer ? `${fault.pointer}: ` : '';
  throw new UsageError(`${file}: ${place}${fault?.message}`);
}

/** @throws UsageError where it makes no sense, or its streams were never stored */
function checked(rule: AlertRule, written: string, store: OfflineStore): AlertRule {
  const stored = new Map(
    store
      .reader()
      .streams()
      .map(({ stream }) => [stream.id, stream]),
  );
  const streams = (pattern: string) =>
    [...stored.values()].filter(({ id }) => {
      return id === pattern || (pattern.endsWith('*') && id.startsWith(pattern.slice(0, -1)));
    });
  const [fault] = checkRule(rule, { streams, actions: rule.actions }, { hints: true });
  if (fault === undefined) return rule;
  throw new UsageError(`${written}: ${fault.pointer}: ${fault.message}`);
}

function text({ session, rules, versions, notes }: SessionBacktest): string {
  const rows = rules.flatMap(({ alerts }, rule) =>
    alerts.map((alert, i) => ({ alert, found: versions ? foundBy(versions, rule, i) : '' })),
  );
  rows.sort((a, b) => a.alert.startedAt - b.alert.startedAt);
  const heading = versions ? [...HEADING, 'FOUND BY'] : HEADING;
  const cells = rows.map(({ alert, found }) => {
    const row = [String(session), ...cellsOf(alert)];
    return versions ? [...row, found] : row;
  });
  const totals = rules.map(({ rule, totals: { count, onS, share }, truncated }, i) => {
    const which = versions ? ` (${i === 0 ? 'first' : 'second'})` : '';
    const more = truncated > 0 ? `, ${truncated} of them not told` : '';
    const part = `${durationText(onS)} in all, ${(share * 100).toFixed(1)} %`;
    return `session ${session}: ${rule.name}${which}: ${count} ${count === 1 ? 'alert' : 'alerts'}${more}, ${part}`;
  });
  const told = notes.map((note) => `session ${session}: ${note}`);
  const lines = rows.length === 0 ? [] : withTexts(table([heading, ...cells], RIGHT), rows);
  return `${[...lines, ...totals, ...told].map(plain).join('\n')}\n`;
}

/** What was found behind each row, as long as it is. */
function withTexts(
  rows: string,
  alerts: readonly { readonly alert: BacktestAlert }[],
): readonly string[] {
  const lines = rows.trimEnd().split('\n');
  const width = Math.max(...lines.map((line) => line.length));
  return lines.map((line, i) => {
    return `${line.padEnd(width)}  ${i === 0 ? 'TEXT' : (alerts[i - 1]?.alert.text ?? '')}`;
  });
}

function cellsOf({ cause, severity, startedAt, endedAt, endedBy }: BacktestAlert): string[] {
  const start = `${startedAt < 0 ? '-' : ''}${durationText(Math.abs(startedAt) / 1e6)}`;
  const duration = endedAt === null ? '-' : durationText((endedAt - startedAt) / 1e6);
  return [start, duration, severity, endedBy ?? 'lasts', cause || '-'];
}

function foundBy(
  { both }: NonNullable<SessionBacktest['versions']>,
  rule: number,
  place: number,
): string {
  if (both.some((pair) => pair[rule] === place))
    return rule === 0 ? 'both (first)' : 'both (second)';
  return rule === 0 ? 'only first' : 'only second';
}

/** What was recorded may hold anything; a terminal obeys control characters. */
function plain(line: string): string {
  return line.replaceAll(/\p{C}/gu, '?');
}
