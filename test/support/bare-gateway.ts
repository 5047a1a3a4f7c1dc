/** What the routes get of a gateway that has nothing: no devices, no store, one account of each role. */
import type { Health } from '#core/health.ts';
import type { Gateway } from '../../src/http/routes/index.ts';
import { type TestAccounts, testAccounts } from './accounts.ts';
import { noAlerting } from './no-alerting.ts';
import { noIngest } from './no-ingest.ts';
import { noManaging } from './no-managing.ts';
import { noReading } from './no-reading.ts';
import { noSync } from './no-sync.ts';
import { parkedCar } from './parked-car.ts';

export function health(status: Health['status']): Health {
  return {
    ...{ status, version: '0.0.0', uptimeS: 1, epoch: 1, clockTrust: 'none' },
    parts: [],
    consumers: [],
  };
}

const shared = await testAccounts();

/** Facts go to the others; nothing is kept. */
function noAudit({ facts }: TestAccounts): Gateway['audit'] {
  return {
    note: (fact) => void facts.push(fact),
    list: async () => ({ items: [], next: null }),
    check: async () => ({ whole: true, entries: 0, first: null, last: null, brokenAt: null }),
  };
}

/**
 * Without TLS, and without exports that take long.
 *
 * @param people accounts of its own, where they are changed */
export function bareGateway(people: TestAccounts = shared): Omit<Gateway, 'tls' | 'exports'> {
  return {
    health: () => health('ok'),
    streams: () => [],
    reading: noReading(),
    accounts: people.accounts,
    audit: noAudit(people),
    alerting: noAlerting(),
    ingest: noIngest(),
    ...parkedCar(),
    ...noManaging(),
    sync: noSync,
  };
}
