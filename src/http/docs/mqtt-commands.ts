import * as v from 'valibot';
import type { Permission } from '../../accounts/roles.ts';
import { MarkerKey, SessionId } from '../../ingest/pushes.ts';
import { ClockBody, MarkerBody } from '../../ingest/shapes.ts';
import { acknowledgeAlert } from '../routes/alerts-history.ts';
import { clearTroubleCodes, listTroubleCodes } from '../routes/diagnostics-dtc.ts';
import { tellClock } from '../routes/ingest.ts';
import { markSession } from '../routes/session-events.ts';
import { startSession } from '../routes/sessions.ts';
import { NotesFields, SessionShape } from '../routes/sessions-shape.ts';
import { listStreams } from '../routes/streams.ts';
import { readSync } from '../routes/sync.ts';

/**
 * What can be asked over MQTT. Most of it is a route that is asked in another way, with the arguments in
 * one object: the permission, the reply and what is done are the route's.
 */
export interface CommandRow {
  readonly summary: string;
  readonly permission: Permission;
  readonly args: v.StrictObjectSchema<v.ObjectEntries, undefined>;
  /** `v.void()` where there is nothing to tell; the data are an empty object then. */
  readonly reply: v.GenericSchema;
}

const NoArgs = v.strictObject({});
const Session = v.optional(SessionId);
const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Key = v.optional(MarkerKey);
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** By name, which is what stands at the end of the topic. */
export const MQTT_COMMANDS = {
  ping: {
    summary:
      'Tells when this came (t2) and is answered (t3), for a client to compare its clock with.',
    permission: 'self',
    args: v.strictObject({ t1: v.optional(v.number()) }),
    reply: v.object({ t1: v.optional(v.number()), t2: Count, t3: Count, epoch: Count }),
  },
  info: {
    summary: 'Which gateway it is, and which start of it.',
    permission: 'self',
    args: NoArgs,
    reply: v.object({
      device: v.string(),
      version: v.string(),
      epoch: Count,
      simulated: v.optional(v.boolean()),
    }),
  },
  streams: {
    summary: listStreams.summary,
    permission: 'see',
    args: NoArgs,
    reply: listStreams.reply,
  },
  clock: {
    summary:
      'Tells how the clock of a client goes, by exchanges of ping; of a session, or of the one that is open.',
    permission: 'send',
    args: v.strictObject({ session: Session, ...ClockBody.entries }),
    reply: tellClock.reply,
  },
  'session/start': {
    summary: startSession.summary,
    permission: 'record',
    args: v.strictObject(NotesFields),
    reply: SessionShape,
  },
  'session/end': {
    summary: 'Ends a session; without its id the one of who asks that is open.',
    permission: 'record',
    args: v.strictObject({ session: Session }),
    reply: SessionShape,
  },
  marker: {
    summary: 'Marks a moment of an open session; with a key once, however often it is asked.',
    permission: 'send',
    args: v.strictObject({ session: Session, key: Key, ...MarkerBody.entries }),
    reply: markSession.reply,
  },
  'alert/ack': {
    summary: acknowledgeAlert.summary,
    permission: 'watch',
    args: v.strictObject({ alert: Id }),
    reply: acknowledgeAlert.reply,
  },
  'source/restart': {
    summary: 'Closes the link to a device and opens it anew at once.',
    permission: 'service',
    args: v.strictObject({ source: Id }),
    reply: v.void(),
  },
  dtc: {
    summary: listTroubleCodes.summary,
    permission: 'service',
    args: listTroubleCodes.query,
    reply: listTroubleCodes.reply,
  },
  'dtc/clear': {
    summary:
      'Clears trouble codes, freeze frames and readiness in all control units, once the car stands still; with a key once, however often it is asked.',
    permission: 'service',
    args: v.strictObject({
      confirm: v.optional(v.pipe(v.boolean(), v.description('It has to be true.'))),
      key: Key,
    }),
    reply: clearTroubleCodes.reply,
  },
  sync: {
    summary: readSync.summary,
    permission: 'service',
    args: NoArgs,
    reply: readSync.reply,
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandName = keyof typeof MQTT_COMMANDS;
export type CommandArgs<N extends CommandName> = v.InferOutput<(typeof MQTT_COMMANDS)[N]['args']>;
