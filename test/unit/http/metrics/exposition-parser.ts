/**
 * Reads the text format of Prometheus as strictly as its parsers do, and checks what `promtool check
 * metrics` does of the names. Throws an Error with the line that is wrong.
 */
export interface Parsed {
  readonly type: string;
  readonly help: string;
  /** By labels, as they are written. */
  readonly values: ReadonlyMap<string, number>;
}

const HEAD = /^# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)$/;
const SAMPLE = /^([a-z][a-z0-9_]*)(\{.*\})? (\S+)$/;
const LABELS = /^\{([a-z][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,|(?=\})))+\}$/;
const NUMBER = /^([+-]?(\d+(\.\d+)?)(e[+-]?\d+)?|[+-]Inf|NaN)$/;
const TYPES = ['counter', 'gauge', 'summary'];

type Found = Map<string, { type: string; help: string; values: Map<string, number> }>;

export function parseExposition(text: string): ReadonlyMap<string, Parsed> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const found: Found = new Map();
  let help: { readonly name: string; readonly text: string } | undefined;
  let open = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = HEAD.exec(line) ?? [];
    if (kind === 'HELP') help = { name, text: rest };
    else if (kind === 'TYPE') {
      if (help?.name !== name || !TYPES.includes(rest) || found.has(name)) throw new Error(line);
      checkName(name, rest);
      found.set(name, { type: rest, help: help.text, values: new Map() });
      open = name;
    } else addSample(found.get(open)?.values, open, line);
  }
  for (const [name, { values }] of found) {
    if (values.size === 0) throw new Error(`${name} has no samples`);
  }
  return found;
}

function addSample(values: Map<string, number> | undefined, of: string, line: string): void {
  const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? [];
  const fits = values && name === of && !values.has(labels) && NUMBER.test(number);
  if (!fits || (labels !== '' && !LABELS.test(labels))) throw new Error(line);
  values.set(labels, Number(number.replace('Inf', 'Infinity')));
}

/** https://prometheus.io/docs/practices/naming/ */
function checkName(name: string, type: string): void {
  if (!name.startsWith('vigil_')) throw new Error(`${name}: expected the name of the application`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: a ${type}`);
  if (/_(ms|mb|kb|us|minutes|hours|percent|info|count|sum|bucket)(_|$)/.test(name)) {
    throw new Error(`${name}: expected a base unit`);
  }
}
