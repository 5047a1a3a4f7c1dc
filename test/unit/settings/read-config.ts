import { ConfigError } from '#core/errors.ts';
import { type Invocation, readConfig } from '../../../src/settings/config.ts';

/** What somebody sets, and where. */
export interface Input {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the file `vigil.yaml`, which is then asked for by a flag. */
  readonly file?: string;
}

export function read({ flags = [], env = {}, file }: Input): Invocation {
  const argv = file === undefined ? flags : [...flags, '--config', 'vigil.yaml'];
  return readConfig(argv, env, (path) => {
    if (path === 'vigil.yaml' && file !== undefined) return file;
    throw Object.assign(new Error(`ENOENT: ..., open '${path}'`), { code: 'ENOENT' });
  });
}

/** The message of the ConfigError that `input` is refused with. */
export function refusal(input: Input): string {
  try {
    read(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}
