import * as v from 'valibot';
import type { Stream } from '#core/stream.ts';
import { isHidden } from '../privacy.ts';
import { route } from '../route.ts';

interface StreamsDeps {
  streams(): readonly Stream[];
}

export const StreamShape = v.object({
  id: v.string(),
  name: v.string(),
  unit: v.string(),
  range: v.tuple([v.number(), v.number()]),
  hz: v.number(),
  kind: v.picklist(['sample', 'wave', 'frame', 'event']),
  states: v.optional(v.record(v.string(), v.string())),
  lsb: v.optional(v.number()),
  step: v.optional(v.object({ mul: v.number(), div: v.number(), add: v.number() })),
});

export const listStreams = route({
  method: 'GET',
  path: '/streams',
  summary: 'Everything the gateway can measure, with its unit, range and rate.',
  access: 'see',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(StreamShape), next: v.null() }),
  handle: (gateway: StreamsDeps, { caller }) => ({
    items: gateway.streams().filter(({ id }) => !isHidden(caller, id)),
    next: null,
  }),
});
