import * as v from 'valibot';
import type { Asking } from '../../accounts/audit.ts';
import { route } from '../route.ts';
import { askingOf } from './asking.ts';
import { answering } from './problems.ts';

/** What the routes of power need: `Powering` of powering.ts has it. */
export interface PowerDeps {
  readonly power: {
    /** Ends the gateway in a moment, to be started again. @throws PowerError UNSUPERVISED */
    restart(asking: Asking): void;
    /** @throws PowerError UNSUPERVISED, REFUSED */
    powerOff(asking: Asking): Promise<void>;
  };
}

/** Nobody does it by a slip. */
const Confirmed = v.strictObject({ confirm: v.literal(true) });
const Accepted = v.object({ accepted: v.literal(true) });
const ACCEPTED = { accepted: true } as const;

const shared = {
  ...({ method: 'POST', access: 'manage', query: undefined, problems: [409] } as const),
  body: Confirmed,
  reply: Accepted,
  status: () => 202,
  statuses: [202],
};

export const restartGateway = route({
  ...shared,
  path: '/system/restart',
  summary: 'Stops the gateway, and systemd starts it again. 409 where nobody would.',
  handle: ({ power }: PowerDeps, { caller }) =>
    answering(() => {
      power.restart(askingOf(caller));
      return ACCEPTED;
    }),
});

export const powerOff = route({
  ...shared,
  path: '/system/poweroff',
  summary: 'Switches the computer off. 409 with the reason where it does not let the gateway.',
  handle: ({ power }: PowerDeps, { caller }) =>
    answering(async () => {
      await power.powerOff(askingOf(caller));
      return ACCEPTED;
    }),
});
