/** What is wrong with a rule, in the words of its form: the paths of the API are not for people. */
import { CONDITION, fieldsOf, SCHEDULE, STEPS, stepFields, TERMS } from './rule-draft.js';

const MISSING = 'This is missing.';

/** @typedef {import('./api.js').Fault} Fault */
/** @typedef {import('./rule-draft.js').Draft} Draft */
/** @typedef {ReadonlyMap<string, string>} Labels by pointer, in the order of the form */

/**
 * The fields that a draft has, and what each is called.
 * @param {Draft} draft
 * @returns {Labels}
 */
export function labelsOf({ several, texts }) {
  const condition = several
    ? [{ pointer: CONDITION, label: 'Condition' }]
    : [
        { pointer: '/stream', label: 'Stream' },
        { pointer: '/when/op', label: 'Fires when it' },
        ...fieldsOf(texts['/when/op'] ?? ''),
      ];
  const fields = [
    ...TERMS.slice(0, 1),
    { pointer: '/severity', label: 'Severity' },
    ...condition,
    ...TERMS.slice(1),
    { pointer: '/while/moving', label: 'Only while' },
    { pointer: '/while/engine', label: 'And only while' },
    ...STEPS.flatMap((i) => [
      { pointer: `/escalate/${i}/severity`, label: 'Gets more severe' },
      ...stepFields(i),
    ]),
    ...SCHEDULE,
    { pointer: '/while/schedule/days', label: 'Days' },
    { pointer: '/actions', label: 'Actions' },
  ];
  // Behind a comma there are examples.
  return new Map(fields.map(({ pointer, label }) => [pointer, label.split(',')[0] ?? label]));
}

/**
 * What has to be filled in before the gateway need be asked.
 * @param {Draft} draft
 * @returns {readonly Fault[]}
 */
export function missingIn({ several, texts }) {
  const needed = [{ pointer: '/name', message: MISSING }];
  if (!several) {
    needed.push({ pointer: '/stream', message: 'Choose a stream.' });
    for (const { pointer } of fieldsOf(texts['/when/op'] ?? '')) {
      if (/^\/when\/(value|windowS)/.test(pointer)) needed.push({ pointer, message: MISSING });
    }
  }
  return needed.filter(({ pointer }) => !texts[pointer]?.trim());
}

/**
 * Each fault at the field of its place: the same, the one around it, or the first within it; those of
 * no field are at the empty pointer.
 * @param {readonly Fault[]} faults
 * @param {readonly string[]} pointers of the fields that are shown
 * @returns {ReadonlyMap<string, readonly string[]>}
 */
export function placed(faults, pointers) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const { pointer, message } of faults) {
    const inCondition = /^\/(all|any|not)(\/|$)/.test(pointer);
    const place =
      pointers.find((one) => one === pointer) ??
      pointers.find((one) => pointer.startsWith(`${one}/`)) ??
      (pointer === '' ? undefined : pointers.find((one) => one.startsWith(`${pointer}/`))) ??
      (inCondition && pointers.includes(CONDITION) ? CONDITION : '');
    const within = place === CONDITION && place !== pointer ? pointer : pointer.slice(place.length);
    const at = place.startsWith(`${pointer}/`) ? '' : memberText(within);
    found.set(place, [...(found.get(place) ?? []), at === '' ? message : `${at}: ${message}`]);
  }
  return found;
}

/**
 * One sentence on what is to be mended, by the names of the fields.
 * @param {readonly Fault[]} faults
 * @param {Labels} labels
 */
export function faultSentence(faults, labels) {
  const places = placed(faults, [...labels.keys()]);
  const names = [...labels].filter(([pointer]) => places.has(pointer)).map(([, label]) => label);
  const mend = names.length > 0 ? [`Please mend: ${names.join(', ')}.`] : [];
  return [...mend, ...(places.get('') ?? [])].join(' ');
}

/**
 * What is wrong, each with the name of its field.
 * @param {readonly Fault[]} faults
 * @param {Labels} labels
 */
export function faultsText(faults, labels) {
  const places = placed(faults, [...labels.keys()]);
  return [...places]
    .map(([pointer, messages]) =>
      [labels.get(pointer), messages.join(' ')].filter(Boolean).join(': '),
    )
    .join(' ');
}

/** `/all/0/stream` as whoever writes JSON would call it: `all[0].stream`. @param {string} pointer */
function memberText(pointer) {
  return pointer
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
    .replace(/^\./, '');
}
