/**
 * A gateway with a simulated car and driver in a process of its own, that answers as fast as it can.
 * Messages of the parent:
 *
 *   at the start      the data directory, in VIGIL_FUZZ_DATA; answered with {url, tokens, ids}
 *   {tokens: true}    answered the same way: what was asked may have ended some, or made others
 *   {errors: true}    answered with {errors}: what was logged as an error
 */
import * as v from 'valibot';
import { ROLES } from '#core/account.ts';
import { build, start } from '../../../src/gateway/gateway.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { Fields } from '../../../src/io/log.ts';
import { readConfig } from '../../../src/settings/config.ts';
import { LOCAL, tokenOf } from '../../support/accounts.ts';
import { PASSWORD } from '../../support/tokens.ts';

const Order = v.union([
  v.object({ tokens: v.literal(true) }),
  v.object({ errors: v.literal(true) }),
]);
const AT_ONCE = { perS: 1e9, burst: 1e9 };
const LIMITS = { api: AT_ONCE, handshakes: AT_ONCE };
/** That are no tokens, or not any more. */
const BAD_TOKENS = ['x', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.', ''];
const ACTOR = { who: 'fuzz', remote: LOCAL };

const data = process.env['VIGIL_FUZZ_DATA'] ?? '';
const flags = ['--sim', '1', '--data', data, '--http', '127.0.0.1:0', '--registration', 'open'];
const { config } = readConfig(flags, {}, () => '');
const clock = monotonicClock();
const errors: Fields[] = [];
const ignore = (): void => {};
const parts = build(config, {
  ...{ clock, realTime: clock, defer: setImmediate, setupPassword: PASSWORD, limits: LIMITS },
  log: { debug: ignore, info: ignore, warn: ignore, error: (fields) => void errors.push(fields) },
});
const { url, bug } = await start(config, parts, new AsyncDisposableStack(), new AbortController());
bug.catch((error: unknown) => {
  throw error;
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('message', (message) => {
  const order = v.parse(Order, message);
  if ('errors' in order) process.send?.({ errors });
  else void tell();
});
while (parts.recording.openSessions().length === 0) await clock.sleep(50);
await tell();

async function tell(): Promise<void> {
  const { accounts, recording } = { ...parts, accounts: parts.accounting.accounts };
  const tokens: string[] = [];
  for (const role of ROLES) {
    const mine = accounts.members.list().find((user) => user.role === role && user.enabled);
    const who = { username: `${role}-${clock.now()}`, password: PASSWORD, role };
    const user = mine ?? (await accounts.members.create(who, ACTOR));
    tokens.push(await tokenOf(accounts, user.id));
  }
  const users = accounts.members.list().map(({ id }) => id);
  const sessions = recording.openSessions().map(({ id }) => String(id));
  const ids = ['1', '2', 'nothing', '1-1', 'obd', 'fatigue', ...sessions, ...users.slice(0, 3)];
  process.send?.({ url, tokens: [...tokens, ...tokens, ...tokens, ...BAD_TOKENS], ids });
}
