/** The child's side of process.ts. */
import { ORDERS } from '../process.ts';

/** What the benchmark wants, as its schema says. */
export function orders(): unknown {
  return JSON.parse(process.env[ORDERS] ?? '{}');
}

/** Tells the benchmark something. */
export function tell(message: object): void {
  process.send?.(message);
}

// A benchmark that dies leaves nobody behind.
process.on('disconnect', () => process.exit(0));
