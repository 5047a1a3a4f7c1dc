import type { AlertRule } from '#core/alert.ts';
import { Ledger, type Records } from '#core/ledger.ts';
import { AlertError, type RuleFault } from './errors.ts';
import { checkRule, type Surroundings } from './rule/check.ts';
import { CONDITION_PARTS, ID_CHARS_MAX, parseRule } from './rule/schema.ts';
import { SHIPPED_RULES } from './rule/shipped.ts';

/** One more is refused. */
const RULES_MAX = 1_000;
/** What `/alerts/` has besides rules: a rule of that name would be hidden behind it. */
const RESERVED_IDS: readonly string[] = ['active', 'history', 'actions', 'backtest'];

/** A rule as a person writes it: its id is made of its name. */
export type RuleDraft = WithoutId<AlertRule>;
type WithoutId<R> = R extends AlertRule ? Omit<R, 'id'> : never;

/** What of a rule is to be otherwise. A condition, in any of its shapes, takes the place of the old one. */
export type RulePatch = { readonly [K in keyof Terms]?: Terms[K] | undefined } & {
  readonly [K in (typeof CONDITION_PARTS)[number]]?: unknown;
};
type Terms = Omit<RuleDraft, (typeof CONDITION_PARTS)[number]>;

export interface RulesOptions {
  /** What rules may refer to: the same object for as long as it is just that. */
  surroundings(): Surroundings;
  /** Called after every change, with all rules as they are then. */
  changed(rules: readonly AlertRule[]): void;
  /** Called when somebody has done something to a rule. @param what as `was changed` */
  tell(rule: AlertRule, what: string): void;
}

/**
 * Every rule: those that come with the gateway, as they are or as somebody changed them, and those
 * that somebody wrote. Only what differs from the gateway's own is kept, so that a later version can
 * have better ones.
 */
export class Rules {
  readonly #options: RulesOptions;
  readonly #ledger: Ledger<string, AlertRule>;
  /** What `check` found, in surroundings that are no other yet. */
  #faults = new WeakMap<AlertRule, readonly RuleFault[]>();
  #surroundings: Surroundings | undefined;
  #isLoaded = false;

  constructor(records: Records<string, AlertRule>, options: RulesOptions) {
    this.#options = options;
    this.#ledger = new Ledger(records);
  }

  /** Why the last write failed; empty when it did not. */
  get failure(): string {
    return this.#ledger.failure;
  }

  /** Takes the rules that were kept. To be called once, when the store is open. */
  load(): void {
    const since = [...this.#ledger.all()].filter(({ id }) => !isShipped(id));
    const kept = this.#ledger.load((a, b) => (a.id < b.id ? -1 : 1));
    this.#isLoaded = true;
    for (const rule of since) {
      const other = kept.find(({ id }) => id === rule.id);
      if (other === undefined) continue;
      // It was written before anybody knew that its id is taken. Neither is to be lost.
      void this.#ledger.put({ ...rule, id: this.#freeId(rule.name) });
      void this.#ledger.put(other);
    }
    this.#options.changed(this.list());
  }

  /** Those that come with the gateway first, then the others by their names. */
  list(): readonly AlertRule[] {
    const own = [...this.#ledger.all()].filter(({ id }) => !isShipped(id));
    return [
      ...SHIPPED_RULES.map((rule) => this.#ledger.get(rule.id) ?? rule),
      ...own.sort((a, b) => a.name.localeCompare(b.name)),
    ];
  }

  find(id: string): AlertRule | undefined {
    return this.#ledger.get(id) ?? SHIPPED_RULES.find((one) => one.id === id);
  }

  /** @throws AlertError NOT_FOUND */
  get(id: string): AlertRule {
    const rule = this.find(id);
    if (rule) return rule;
    throw new AlertError('NOT_FOUND', `there is no rule ${JSON.stringify(id.slice(0, 60))}`);
  }

  /** How it came: with the gateway, so and changed, or by a person. */
  originOf(id: string): 'shipped' | 'changed' | 'own' {
    if (!isShipped(id)) return 'own';
    return this.#ledger.get(id) ? 'changed' : 'shipped';
  }

  /**
   * Takes the rule at once and resolves when it is durable.
   *
   * @throws AlertError INVALID, TOO_MANY
   */
  async create(draft: RuleDraft): Promise<AlertRule> {
    if (this.list().length >= RULES_MAX) {
      throw new AlertError('TOO_MANY', `there are ${RULES_MAX} rules, and no more than that`);
    }
    const rule = { ...draft, id: this.#freeId(draft.name) };
    refuse(this.#hinted(rule));
    await this.#put(rule, 'was made');
    return rule;
  }

  /** @throws AlertError NOT_FOUND, INVALID */
  async update(id: string, patch: RulePatch): Promise<AlertRule> {
    const before = this.get(id);
    const rule = patched(before, patch);
    const known = this.#hinted(before).map(({ message }) => message);
    // A stream that is not there today is no reason against another name or threshold.
    refuse(this.#hinted(rule).filter(({ message }) => !known.includes(message)));
    await this.#put(rule, wordsFor(before, rule));
    return rule;
  }

  /**
   * Removes a rule that somebody wrote; one that comes with the gateway is again as it came.
   *
   * @throws AlertError NOT_FOUND; SHIPPED where it is as it came
   */
  async remove(id: string): Promise<void> {
    const rule = this.get(id);
    if (this.originOf(id) === 'shipped') {
      const text = `the rule ${id} comes with the gateway: it is switched off with enabled: false`;
      throw new AlertError('SHIPPED', text);
    }
    const removed = this.#ledger.remove(id);
    this.#options.tell(rule, isShipped(id) ? 'is as it came again' : 'was removed');
    this.#options.changed(this.list());
    await removed;
  }

  /** What is wrong with a rule; nothing in one that can be used. */
  check(rule: AlertRule): readonly RuleFault[] {
    const surroundings = this.#options.surroundings();
    if (surroundings !== this.#surroundings) this.#faults = new WeakMap();
    this.#surroundings = surroundings;
    const known = this.#faults.get(rule);
    if (known) return known;
    const faults = checkRule(rule, surroundings, { hints: false });
    this.#faults.set(rule, faults);
    return faults;
  }

  /** Those that somebody wrote or changed; undefined before those of earlier starts are known. */
  own(): readonly AlertRule[] | undefined {
    return this.#isLoaded ? [...this.#ledger.all()] : undefined;
  }

  /**
   * Takes the rules of a backup in place of those that somebody wrote or changed, whether or not they
   * fit the streams of this gateway: what does not is told with the rule. Resolves when it is durable.
   */
  async restore(rules: readonly AlertRule[]): Promise<void> {
    const ids = new Set(rules.map(({ id }) => id));
    const gone = [...this.#ledger.all()].filter(({ id }) => !ids.has(id));
    const removed = gone.map(({ id }) => this.#ledger.remove(id));
    const kept = rules.map((rule) => this.#ledger.put(rule));
    this.#options.changed(this.list());
    await Promise.all([...removed, ...kept]);
  }

  /** Tries to write what is not durable. */
  flush(): Promise<void> {
    return this.#ledger.flush();
  }

  /** For somebody who is writing it: also what may have been meant. */
  #hinted(rule: AlertRule): readonly RuleFault[] {
    return checkRule(rule, this.#options.surroundings(), { hints: true });
  }

  async #put(rule: AlertRule, what: string): Promise<void> {
    const kept = this.#ledger.put(rule);
    this.#options.tell(rule, what);
    this.#options.changed(this.list());
    await kept;
  }

  /** `Coolant too hot!` is `coolant-too-hot`, and the second of that name `coolant-too-hot-2`. */
  #freeId(name: string): string {
    const base =
      name
        .normalize('NFKD')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, ID_CHARS_MAX - 5) || 'rule';
    const taken = new Set([...RESERVED_IDS, ...this.list().map(({ id }) => id)]);
    if (!taken.has(base)) return base;
    for (let n = 2; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`;
  }
}

/**
 * A rule with what was asked to be otherwise.
 *
 * @throws AlertError INVALID
 */
function patched(rule: AlertRule, patch: RulePatch): AlertRule {
  const replaces = CONDITION_PARTS.some((key) => patch[key] !== undefined);
  // A new threshold alone leaves the stream and the unit as they are.
  const keeps = ['stream', 'when', 'unit'] as const;
  const simple = patch.all === undefined && patch.any === undefined && patch.not === undefined;
  const before = Object.entries(rule).filter(([key]) => {
    if (!replaces || !CONDITION_PARTS.some((one) => one === key)) return true;
    return simple && keeps.some((one) => one === key);
  });
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  return parseRule(Object.fromEntries([...before, ...given]));
}

function wordsFor(before: AlertRule, { enabled }: AlertRule): string {
  if (before.enabled === enabled) return 'was changed';
  return enabled ? 'was switched on' : 'was switched off';
}

function isShipped(id: string): boolean {
  return SHIPPED_RULES.some((rule) => rule.id === id);
}

function refuse(faults: readonly RuleFault[]): void {
  const [first] = faults;
  if (first) throw new AlertError('INVALID', `the rule cannot be used: ${first.message}`, faults);
}
