import { bytesOf, type Selection, type Signal } from './database.ts';
import type { MessageDraft, SignalDraft } from './draft.ts';
import { TEXTS, type Warnings } from './warnings.ts';

/** What a whole message has to be checked for, once everything about it has been read. */
export function checkedSignals(message: MessageDraft, warnings: Warnings): readonly Signal[] {
  const selections = selectionsOf(message, warnings);
  const kept = [...message.signals.values()].filter(({ name }) => selections.has(name));
  for (const signal of kept) {
    if (bytesOf(signal)[1] >= message.length) {
      warnings.add(signal.line, TEXTS.beyond, `${message.name} ${signal.name}`);
    }
  }
  warnOfOverlaps(kept, selections, warnings);
  return kept.map((signal) => finished(signal, selections.get(signal.name)));
}

function finished(draft: SignalDraft, when: Selection | undefined): Signal {
  const { name, longName, startBit, bits, byteOrder, type } = draft;
  const { factor, offset, limits, unit, comment, labels } = draft;
  const place = { name, longName, startBit, bits, byteOrder, type };
  return { ...place, factor, offset, limits, unit, comment, labels, when };
}

type Selections = Map<string, Selection | undefined>;

/** When each signal is there. Those of which that cannot be known are missing. */
function selectionsOf(message: MessageDraft, warnings: Warnings): Selections {
  const switches = [...message.signals.values()].filter((signal) => signal.isSwitch);
  const found: Selections = new Map();
  for (const signal of message.signals.values()) {
    const selection = selectionOf(signal, switches);
    if (selection === 'none') found.set(signal.name, undefined);
    else if (selection === 'unknown') warnings.add(signal.line, TEXTS.noSwitch, signal.name);
    else if (!isInteger(message.signals.get(selection.by))) {
      warnings.add(signal.line, TEXTS.badSwitch, `${signal.name} by ${selection.by}`);
    } else found.set(signal.name, selection);
  }
  const reachable = reachableOf(found);
  for (const name of found.keys()) {
    if (reachable.has(name)) continue;
    warnings.add(message.signals.get(name)?.line ?? message.line, TEXTS.loop, name);
    found.delete(name);
  }
  return found;
}

/**
 * SG_MUL_VAL_ says it all. Without it there has to be exactly one other signal that is marked M, so that
 * it cannot be but by that one.
 */
function selectionOf(
  signal: SignalDraft,
  switches: readonly SignalDraft[],
): Selection | 'none' | 'unknown' {
  if (signal.selection) return signal.selection;
  const { chosenBy } = signal;
  if (chosenBy === undefined) return 'none';
  const [first, second] = switches;
  const by = first === signal ? second : first;
  const others = switches.length - (signal.isSwitch ? 1 : 0);
  return by && others === 1 ? { by: by.name, ranges: [[chosenBy, chosenBy]] } : 'unknown';
}

function isInteger(signal: SignalDraft | undefined): boolean {
  return signal !== undefined && signal.type !== 'float';
}

/** Signals that are always there, those that one of them chooses, and so on. */
function reachableOf(selections: Selections): ReadonlySet<string> {
  const chosen = Map.groupBy(selections, ([, selection]) => selection?.by);
  const reached = new Set<string>();
  const waiting: (string | undefined)[] = [undefined];
  while (waiting.length > 0) {
    for (const [name] of chosen.get(waiting.pop()) ?? []) {
      reached.add(name);
      waiting.push(name);
    }
  }
  return reached;
}

/**
 * Signals that are chosen by different values share bits as a matter of course. What is looked for is two
 * that are in the same frame: both always there, one always and one chosen, or both by the same values.
 */
function warnOfOverlaps(
  signals: readonly SignalDraft[],
  selections: Selections,
  warnings: Warnings,
): void {
  const taken = new Map<string, bigint>();
  const always = signals.filter(({ name }) => selections.get(name) === undefined);
  const chosen = signals.filter(({ name }) => selections.get(name) !== undefined);
  for (const signal of [...always, ...chosen]) {
    const selection = selections.get(signal.name);
    const key = selection ? `${selection.by} ${selection.ranges.join(' ')}` : '';
    const mask = maskOf(signal);
    const others = (taken.get('') ?? 0n) | (taken.get(key) ?? 0n);
    if ((others & mask) !== 0n) warnings.add(signal.line, TEXTS.overlap, signal.name);
    taken.set(key, (taken.get(key) ?? 0n) | mask);
  }
}

/** The bits of a frame that are the signal's. */
function maskOf(signal: SignalDraft): bigint {
  const bits = (1n << BigInt(signal.bits)) - 1n;
  if (signal.byteOrder === 'little') return bits << BigInt(signal.startBit);
  let mask = 0n;
  for (let i = 0, bit = signal.startBit; i < signal.bits; i++) {
    mask |= 1n << BigInt(bit);
    bit = bit % 8 === 0 ? bit + 15 : bit - 1;
  }
  return mask;
}
