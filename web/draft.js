/**
 * What was typed into a form and is not sent yet, by the name of the form. Forms go while the car moves,
 * and with the view that they are in; what was typed is not to go with them.
 *
 * It is in the memory of the page and nowhere else, as passwords are part of it: it ends with the page,
 * which is loaded anew for another person.
 */

/** A field of a form. @typedef {Pick<HTMLInputElement, 'name' | 'type' | 'dispatchEvent'>} Field */

/** Where a field has what was put into it, if not in `value`. */
const PROPERTIES = new Map([
  ['checkbox', 'checked'],
  ['file', 'files'],
]);

/** @type {Map<string, Map<string, unknown>>} */
const drafts = new Map();

/** @param {Field} field */
function propertyOf({ type }) {
  return PROPERTIES.get(type) ?? 'value';
}

/**
 * @param {string} form
 * @param {Field} field
 */
export function keepField(form, field) {
  const draft = drafts.get(form) ?? new Map();
  drafts.set(form, draft.set(field.name, Reflect.get(field, propertyOf(field))));
}

/**
 * Puts into the field what was in it; one that was not touched stays as it is.
 * @param {string} form
 * @param {Field} field
 */
export function fillField(form, field) {
  const kept = drafts.get(form)?.get(field.name);
  if (kept === undefined) return;
  Reflect.set(field, propertyOf(field), kept);
  // Whatever on the page goes by it has to know.
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

/** It was sent, or given up. @param {string} form */
export function forgetDraft(form) {
  drafts.delete(form);
}
