/**
 * The schemas that check what clients send, as JSON Schema 2020-12, which OpenAPI 3.1 and AsyncAPI 3.0
 * take as it is.
 *
 * Nothing is left out without a word: a schema or an action that JSON Schema has no word for throws,
 * unless it is among those named here.
 */
import {
  type JsonSchema,
  type OverrideActionContext,
  type OverrideSchemaContext,
  toJsonSchema,
} from '@valibot/to-json-schema';
import * as v from 'valibot';

type Schema = v.GenericSchema;

export type { JsonSchema };

/** As clients write it, or as they get it. */
export type Side = 'input' | 'output';

/** Shapes that are written once, by their names. */
export type Components = Readonly<Record<string, JsonSchema>>;

/** What the shapes of the documents are called, and which are not told as they are checked. */
export interface Vocabulary {
  readonly names: Readonly<Record<string, Schema>>;
  /** What is told in place of a schema. */
  readonly instead: ReadonlyMap<Schema, JsonSchema>;
}

/** What a check says that no schema can: the words of the route do. And every number of JSON is finite. */
const UNTOLD = ['check', 'finite', 'raw_check', 'raw_transform', 'transform', 'trim'];

export const REF = '#/components/schemas/';
const JSON_NAME = 'Json';
/** What stands for `unknown`: the gateway takes and gives nothing that JSON has no word for. */
const ANY_JSON: JsonSchema = {
  description: 'Any JSON.',
  type: ['string', 'number', 'boolean', 'null', 'array', 'object'],
  items: { $ref: `${REF}${JSON_NAME}` },
  additionalProperties: { $ref: `${REF}${JSON_NAME}` },
};

/** Makes JSON Schema of schemas, and collects the components that they need. */
export class SchemaWriter {
  readonly #names: ReadonlyMap<Schema, string>;
  readonly #instead: Vocabulary['instead'];
  readonly #components = new Map<string, JsonSchema>();
  /** Components that have been made, or are about to be, with their sides. */
  readonly #seen = new Set<string>();
  /** What is told for a stand-in of `#plain`. */
  readonly #told = new Map<unknown, JsonSchema>();

  constructor({ names, instead }: Vocabulary) {
    this.#names = new Map(Object.entries(names).map(([name, schema]) => [schema, name]));
    this.#instead = instead;
  }

  /** @throws Error for a schema that this file has to know of, or names.ts to tell otherwise */
  write(schema: Schema, side: Side): JsonSchema {
    const name = this.#names.get(schema);
    if (name === undefined) return this.#convert(schema, side);
    this.#add(name, schema, side);
    return refTo(name);
  }

  /** Those that what was written refers to, in the order of their names. */
  components(): Components {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #convert(schema: Schema, side: Side): JsonSchema {
    const { $schema, ...json } = toJsonSchema(this.#plain(schema, side), {
      target: 'draft-2020-12',
      typeMode: side,
      ignoreActions: UNTOLD,
      overrideSchema: (context) => this.#override(context),
      overrideAction: unicodePattern,
    });
    return json;
  }

  #add(name: string, schema: Schema, side: Side): void {
    const key = `${name} ${side}`;
    // It may be part of itself.
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const made = this.#convert(schema, side);
    const before = this.#components.get(name);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(made)) {
      throw new TypeError(`${name} is sent in one shape and got in another: it needs two names`);
    }
    this.#components.set(name, made);
  }

  /** The schema in words that the converter knows, with a stand-in for each that is told otherwise. */
  #plain(schema: Schema, side: Side): Schema {
    const node = schema as unknown as Node;
    const parts = { ...node };
    for (const key of ['wrapped', 'item', 'value', 'rest'] as const) {
      if (key in node) parts[key] = this.#part(node[key], side);
    }
    for (const key of ['items', 'options', 'pipe'] as const) {
      if (node[key]) parts[key] = node[key].map((one) => this.#part(one, side));
    }
    if (node.entries) parts.entries = this.#entries(node.entries, side);
    return parts as unknown as Schema;
  }

  #entries(entries: Readonly<Record<string, unknown>>, side: Side): Record<string, unknown> {
    const parts = Object.entries(entries).map(([key, part]) => [key, this.#part(part, side)]);
    return Object.fromEntries(parts);
  }

  /** @param part a schema; of a pipe also an action, which stays as it is */
  #part(part: unknown, side: Side): unknown {
    if (!isSchema(part)) return part;
    const told = this.#instead.get(part);
    if (told) return this.#standIn(told);
    if (this.#names.has(part)) return this.#standIn(this.write(part, side));
    const { type, wrapped, getter } = part as unknown as Node;
    if (type === 'unknown') return this.#standIn(this.#anyJson());
    if (type === 'lazy' && getter) return this.#standIn(this.#lazy(getter, side));
    if (type === 'non_optional') return this.#part((wrapped as Node).wrapped, side);
    return this.#plain(part, side);
  }

  #standIn(told: JsonSchema): Schema {
    const schema = v.unknown();
    this.#told.set(schema, told);
    return schema;
  }

  #anyJson(): JsonSchema {
    this.#components.set(JSON_NAME, ANY_JSON);
    return refTo(JSON_NAME);
  }

  /** One that decides by what it gets takes what it does for text, and for an object. */
  #lazy(getter: (input: unknown) => Schema, side: Side): JsonSchema {
    const branches = [...new Set(['', {}].map(getter))].map((branch) => this.write(branch, side));
    const [only, ...others] = branches;
    return only && others.length === 0 ? only : { anyOf: branches };
  }

  #override({ valibotSchema, jsonSchema }: OverrideSchemaContext): JsonSchema | undefined {
    const { propertyNames, ...rest } = jsonSchema;
    switch (valibotSchema.type) {
      case 'picklist':
      case 'literal':
        return typed(jsonSchema);
      case 'tuple':
      case 'strict_tuple':
        return sized(jsonSchema);
      case 'record':
        // Every name is text.
        return JSON.stringify(propertyNames) === '{"type":"string"}' ? rest : undefined;
      default:
        return this.#told.get(valibotSchema);
    }
  }
}

/** What of a schema the converter goes through. */
interface Node {
  readonly type: string;
  wrapped?: unknown;
  item?: unknown;
  value?: unknown;
  rest?: unknown;
  items?: readonly unknown[];
  options?: readonly unknown[];
  pipe?: readonly unknown[];
  entries?: Readonly<Record<string, unknown>>;
  readonly getter?: (input: unknown) => Schema;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'kind') === 'schema';
}

/** Of what may also be `true`, or a list: nothing is told of those here. */
export function only(schema: JsonSchema | readonly unknown[] | boolean | undefined): JsonSchema {
  return typeof schema === 'object' && !Array.isArray(schema) ? (schema as JsonSchema) : {};
}

function refTo(name: string): JsonSchema {
  return { $ref: `${REF}${name}` };
}

/** Patterns of JSON Schema are those of Unicode (2020-12 core, clause 6.4), so that the flag says nothing. */
function unicodePattern({ valibotAction, jsonSchema }: OverrideActionContext): JsonSchema | null {
  const { type, requirement } = valibotAction as { type: string; requirement?: unknown };
  if (type !== 'regex' || !(requirement instanceof RegExp) || requirement.flags !== 'u')
    return null;
  return { ...jsonSchema, pattern: requirement.source };
}

function typed(json: JsonSchema): JsonSchema {
  const values = json.enum ?? [json.const];
  const types = [...new Set(values.map((value) => typeof value))];
  const [type] = types;
  if (types.length > 1) return json;
  return type === 'string' || type === 'number' || type === 'boolean' ? { type, ...json } : json;
}

/** A list of so many, which is easier to read where they are alike. */
function sized({ prefixItems = [], ...json }: JsonSchema): JsonSchema {
  const lengths = { minItems: prefixItems.length, maxItems: prefixItems.length };
  const [first = false, ...others] = prefixItems;
  const alike = others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  if (alike) return { ...json, items: first, ...lengths };
  return { ...json, prefixItems, items: false, ...lengths };
}
