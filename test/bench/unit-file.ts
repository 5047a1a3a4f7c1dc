/** How systemd starts the gateway: what its unit tells Node and malloc has an influence on memory. */
import { readFileSync } from 'node:fs';
import { ROOT } from '../support/child.ts';

export interface Start {
  /** Of Node. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const UNIT = startOf(readFileSync(`${ROOT}systemd/vigil.service`, 'utf8'));

/** @param unit text of a unit, systemd.exec(5), whose values have no quotes */
export function startOf(unit: string): Start {
  const [, flags] = /^ExecStart=\S+\/node ((?:--\S+ )*)\S+\.ts\b/m.exec(unit) ?? [];
  if (flags === undefined) throw new Error('the unit starts no script with Node');
  const pairs = [...unit.matchAll(/^Environment=(.+)$/gm)].flatMap(([, line = '']) =>
    line.split(' ').map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=');
      return [name, value.join('=')];
    }),
  );
  // Where its cache is nobody else may write.
  const own = pairs.filter(([name]) => name !== 'NODE_COMPILE_CACHE');
  return { flags: flags.split(' ').filter((flag) => flag !== ''), env: Object.fromEntries(own) };
}
