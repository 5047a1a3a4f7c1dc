import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Documentation/ABI/stable/sysfs-class-rfkill of the kernel. */
const RFKILL = '/sys/class/rfkill';

/**
 * Whether a switch, or a setting of the kernel's, keeps Bluetooth off. Where some adapters are kept off and
 * others are not, it is not kept off; nor where the kernel has no such switches.
 */
export function isBlocked(directory = RFKILL): boolean {
  const switches = names(directory).filter((name) => read(directory, name, 'type') === 'bluetooth');
  return (
    switches.length > 0 &&
    switches.every((name) => ['soft', 'hard'].some((kind) => read(directory, name, kind) === '1'))
  );
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // A kernel without them.
  }
}

function read(directory: string, name: string, file: string): string {
  try {
    return readFileSync(path.join(directory, name, file), 'utf8').trim();
  } catch {
    return ''; // The adapter was pulled out in this moment.
  }
}
