import * as v from 'valibot';
import type { Permission } from '../../accounts/roles.ts';
import { GateMessage, MonitorMessage, TelemetryMessage } from '../sockets/messages.ts';
import { Message as FromMonitor } from '../sockets/monitor.ts';
import {
  SessionClock,
  SessionData,
  SessionMarker,
  SessionReply,
} from '../sockets/session-messages.ts';
import { Message as FromTelemetry } from '../sockets/telemetry.ts';

/** A message with its `type`, which a text tells. */
type Message = v.GenericSchema & {
  readonly entries: { readonly type: { readonly literal: string } };
};
/** Messages of several types, or of several shapes of a type. */
type Messages = Message | { readonly options: readonly Message[] };

/** One WebSocket as the documents tell of it. */
export interface Socket {
  /** Its name in the documents, `telemetry`. */
  readonly name: string;
  /** Below /api/v1; also below /api and without either. A segment `:name` is any. */
  readonly path: `/ws/${string}`;
  readonly summary: string;
  readonly permission: Permission;
  /** What clients send. */
  readonly incoming: readonly Messages[];
  readonly outgoing: readonly Messages[];
}

/** Every WebSocket there is. */
export const SOCKETS: readonly Socket[] = [
  {
    name: 'telemetry',
    path: '/ws/telemetry',
    summary: 'Everything that is measured, as it comes, in the streams that one subscribes to.',
    permission: 'see',
    incoming: [FromTelemetry],
    outgoing: [GateMessage, TelemetryMessage],
  },
  {
    name: 'session',
    path: '/ws/session/:id',
    summary: 'One session, both ways: clients send what they measure, and everybody in it gets it.',
    permission: 'see',
    incoming: [FromTelemetry, SessionData, SessionMarker, SessionClock],
    outgoing: [GateMessage, TelemetryMessage, SessionReply],
  },
  {
    name: 'monitor',
    path: '/ws/monitor',
    summary: 'All open sessions at once, with who is connected, and all alerts.',
    permission: 'monitor',
    incoming: [FromMonitor],
    outgoing: [GateMessage, MonitorMessage],
  },
];

/** The messages of lists by their types. Of several shapes of one it is any, those of later lists first. */
export function messagesOf(lists: readonly Messages[]): ReadonlyMap<string, v.GenericSchema> {
  const all = lists.flatMap((list) => ('options' in list ? list.options : [list]));
  const byType = Map.groupBy(all, ({ entries }) => entries.type.literal);
  return new Map(
    [...byType].map(([type, shapes]) => {
      const [first, ...others] = shapes;
      return [type, first && others.length === 0 ? first : v.union(shapes.toReversed())];
    }),
  );
}
