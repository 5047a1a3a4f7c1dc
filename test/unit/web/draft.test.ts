import { expect, test } from 'vitest';
import { fillField, forgetDraft, keepField } from '../../../web/draft.js';

/** A field of a form, without a browser. */
class Field extends EventTarget {
  readonly name: string;
  readonly type: string;
  value = '';
  checked = false;
  files: readonly string[] = [];

  constructor(name: string, type: string, content: Partial<Field> = {}) {
    super();
    this.name = name;
    this.type = type;
    Object.assign(this, content);
  }
}

test('what was in a form is in it again, whatever kind its fields are of', () => {
  keepField('one', new Field('driver', 'text', { value: 'Ana' }));
  keepField('one', new Field('enabled', 'checkbox', { checked: true, value: 'on' }));
  keepField('one', new Field('file', 'file', { files: ['vigil.backup'] }));
  const [driver, enabled, file] = [
    new Field('driver', 'text'),
    new Field('enabled', 'checkbox'),
    new Field('file', 'file'),
  ];
  for (const field of [driver, enabled, file]) fillField('one', field);
  expect(driver.value).toBe('Ana');
  expect(enabled.checked).toBe(true);
  expect(enabled.value).toBe('');
  expect(file.files).toEqual(['vigil.backup']);
});

test('whatever goes by a field is told; one that nobody has touched stays as the gateway has it', () => {
  keepField('two', new Field('role', 'select-one', { value: 'student' }));
  const told: string[] = [];
  const fields = ['role', 'username'].map((name) => new Field(name, 'text', { value: 'viewer' }));
  for (const field of fields) {
    field.addEventListener('change', () => void told.push(`${field.name} ${field.value}`));
    fillField('two', field);
  }
  expect(told).toEqual(['role student']);
  expect(fields[1]?.value).toBe('viewer');
});

test('forms are told apart by their names, and what was sent or given up is gone', () => {
  keepField('three', new Field('notes', 'textarea', { value: 'dry' }));
  const other = new Field('notes', 'textarea');
  fillField('four', other);
  expect(other.value).toBe('');
  forgetDraft('three');
  const again = new Field('notes', 'textarea');
  fillField('three', again);
  expect(again.value).toBe('');
});
