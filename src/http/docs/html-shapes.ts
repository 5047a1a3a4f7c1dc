import { html, type Markup, NOTHING } from './markup.ts';
import { type Components, type JsonSchema, only, REF } from './schema.ts';

/** Fields in fields; those of a deeper one are told by the example. */
const DEEP_MAX = 4;

interface Field {
  /** `stats.durationS`, `items[].id`, `streams.*` */
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** A shape: its kind where it has no fields, else a table of them, those of fields included. */
export function shape(schema: JsonSchema, caption: string): Markup {
  const fields = fieldsOf(schema, '', 0);
  if (fields.length === 0) return html`<p class="kind">${caption}: ${kind(schema)}</p>`;
  return html`<table>
<caption>${caption}${isObject(schema) ? NOTHING : html`: ${kind(schema)}`}</caption>
<thead><tr><th scope="col">Field</th><th scope="col">What it is</th></tr></thead>
<tbody>${fields.map(row)}</tbody>
</table>`;
}

/** The shapes with names, where the others refer to. */
export function namedShapes(components: Components): Markup {
  const all = Object.entries(components).map(
    ([name, schema]) => html`<section class="op" id="shape-${name}">
<h3>${name}</h3>
${shape(schema, name)}
</section>`,
  );
  return html`${all}`;
}

/** `integer, 0 to 100`, or the name of the shape. */
export function kind(schema: JsonSchema): Markup {
  const { $ref, anyOf, oneOf = anyOf, enum: values, const: value, type } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice(REF.length);
    return html`<a href="#shape-${name}">${name}</a>`;
  }
  if (oneOf) return either(oneOf.map((one) => kind(only(one))));
  if (value !== undefined) return html`<code>${JSON.stringify(value)}</code>`;
  if (values) return either(values.map((one) => html`<code>${JSON.stringify(one)}</code>`));
  if (type === 'array') return html`list of ${kind(only(schema.items))}${limits(schema)}`;
  const words = Array.isArray(type) ? type.join(' or ') : (type ?? 'anything');
  return html`${words}${limits(schema)}`;
}

function either(kinds: readonly Markup[]): Markup {
  return html`${kinds.map((one, i) => (i === 0 ? one : html` or ${one}`))}`;
}

/** What JSON Schema says besides the type, in words. */
function limits(schema: JsonSchema): Markup {
  const { minimum, maximum, exclusiveMinimum, minLength, maxLength, pattern, format } = schema;
  const { minItems, maxItems, description } = schema;
  const words = [
    ...(format === undefined ? [] : [format]),
    ...between(minimum, maximum, ''),
    ...(exclusiveMinimum === undefined ? [] : [`over ${exclusiveMinimum}`]),
    ...(minLength === 1 && maxLength === undefined
      ? ['not empty']
      : between(minLength, maxLength, ' characters')),
    ...between(minItems || undefined, maxItems, ' items'),
    ...(schema.default === undefined ? [] : [`${JSON.stringify(schema.default)} if left out`]),
  ];
  const more = words.length > 0 ? `, ${words.join(', ')}` : '';
  const fits = pattern === undefined ? NOTHING : html`, like <code>${pattern}</code>`;
  return html`${more}${fits}${description === undefined ? '' : `. ${description}`}`;
}

function between(min: number | undefined, max: number | undefined, unit: string): string[] {
  if (min !== undefined && max !== undefined) {
    return [min === max ? `${min}${unit}` : `${min} to ${max}${unit}`];
  }
  if (min !== undefined) return [`at least ${min}${unit}`];
  return max === undefined ? [] : [`at most ${max}${unit}`];
}

function row({ name, schema, required }: Field): Markup {
  const optional = required ? NOTHING : html` <span class="optional">may be left out</span>`;
  return html`<tr><th scope="row"><code>${name}</code>${optional}</th><td>${kind(schema)}</td></tr>`;
}

/** An object's fields with those below them; nothing for what is no object, nor a list of any. */
function fieldsOf(schema: JsonSchema, above: string, deep: number): Field[] {
  if (deep > DEEP_MAX) return [];
  const { properties = {}, required = [], items, additionalProperties, anyOf = [] } = schema;
  const own = Object.entries(properties).flatMap(([key, value]) => {
    const name = above === '' ? key : `${above}.${key}`;
    const field = { name, schema: only(value), required: required.includes(key) };
    return [field, ...fieldsOf(field.schema, name, deep + 1)];
  });
  const below = [
    ...(typeof items === 'object' ? fieldsOf(only(items), `${above}[]`, deep + 1) : []),
    ...(typeof additionalProperties === 'object'
      ? fieldsOf(additionalProperties, above === '' ? '*' : `${above}.*`, deep + 1)
      : []),
    ...anyOf.flatMap((one) => fieldsOf(only(one), above, deep + 1)),
  ];
  return [...own, ...below];
}

function isObject({ type }: JsonSchema): boolean {
  return type === 'object';
}
