import type { Asking } from '../../accounts/audit.ts';
import type { Caller } from '../route.ts';

/** Who asks, for the audit log. */
export function askingOf({ user, remote }: Caller): Asking {
  return { who: user?.username ?? '', from: remote.address };
}
