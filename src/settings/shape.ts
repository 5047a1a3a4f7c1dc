import type { Json } from '#core/stream.ts';

/**
 * What a setting can be, as JSON Schema: for a form that asks for it. The text of a URL is judged by
 * what reads it, which no schema can say.
 */
export type Shape = { readonly [key: string]: Json };

/** A setting as one writes it; null is not set. */
export type SettingValue = string | number | boolean | null | readonly string[];

/** What is looked at of a schema of valibot. */
interface Schema {
  readonly type?: string;
  readonly kind?: string;
  readonly requirement?: unknown;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  /** Of a union; the values of a picklist are in it too. */
  readonly options?: readonly unknown[];
  readonly pipe?: readonly Schema[];
}

/** Names of valibot's limits, and those of JSON Schema. */
const LIMITS: Readonly<Record<string, string>> = {
  min_value: 'minimum',
  max_value: 'maximum',
  max_length: 'maxItems',
};

export function shapeOf(schema: object): Shape {
  return shape(schema as Schema);
}

function shape({ type = '', wrapped, item, options = [], pipe = [] }: Schema): Shape {
  if (wrapped) return shape(wrapped);
  const [first] = pipe;
  // What is piped has itself as the first step.
  const base: Shape = first?.pipe ? shape(first) : plain(type, item, options);
  return { ...base, ...limits(pipe) };
}

function plain(type: string, item: Schema | undefined, options: readonly unknown[]): Shape {
  if (type === 'array') return { type: 'array', items: item ? shape(item) : {} };
  if (type === 'boolean') return { type: 'boolean' };
  if (type === 'number') return { type: 'integer' };
  if (type === 'picklist')
    return { type: 'string', enum: options.filter((one) => typeof one === 'string') };
  // Of what may also be written as text, as a flag has it, the type that it stands for.
  const [first] = options;
  if (type === 'union' && typeof first === 'object' && first !== null) return shapeOf(first);
  return { type: 'string' };
}

function limits(pipe: readonly Schema[]): Shape {
  const found = pipe.flatMap(({ type = '', requirement }) => {
    const name = LIMITS[type];
    return name !== undefined && typeof requirement === 'number' ? [[name, requirement]] : [];
  });
  return Object.fromEntries(found);
}
