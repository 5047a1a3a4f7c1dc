import * as v from 'valibot';
import type { Asking } from '../../accounts/audit.ts';
import type { SettingValue } from '../../settings/shape.ts';
import { isKnown } from '../etag.ts';
import { Problem } from '../problem.ts';
import { Content, type Frozen, route } from '../route.ts';
import { askingOf } from './asking.ts';
import { answering } from './problems.ts';

/** What the routes of settings need: `Configuring` of configuring.ts has it. */
export interface SettingsDeps {
  readonly settings: {
    view(): Promise<SettingsReply>;
    /**
     * Writes settings, all of them or none; null takes one out.
     *
     * @param seen revisions that they may be changed from; `*` is any
     * @throws SettingsError INVALID, CHANGED, UNWRITABLE
     */
    change(
      changes: Readonly<Record<string, SettingValue>>,
      seen: readonly string[],
      asking: Asking,
    ): Promise<SettingsReply>;
  };
}

const Value = v.union(
  [v.string(), v.number(), v.boolean(), v.null(), v.array(v.string())],
  'expected a value, a list of texts, or null to take it out',
);
const IsSet = v.boolean();
const Line = v.nullable(v.number());

const Settings = v.object({
  /** As in the ETag. */
  revision: v.string(),
  file: v.string(),
  /** Whether a restart would change anything. */
  restart: v.boolean(),
  /** Whether a restart can be asked for here. */
  supervised: v.boolean(),
  fault: v.nullable(
    v.object({
      text: v.string(),
      key: v.nullable(v.string()),
      file: v.nullable(v.string()),
      line: Line,
      expected: v.string(),
      found: v.nullable(v.string()),
    }),
  ),
  items: v.array(
    v.object({
      key: v.string(),
      about: v.string(),
      schema: v.record(v.string(), v.unknown()),
      value: Value,
      secret: v.boolean(),
      isSet: IsSet,
      from: v.object({
        kind: v.picklist(['default', 'file', 'variable', 'flag']),
        name: v.nullable(v.string()),
        line: Line,
      }),
      changeable: v.boolean(),
      next: v.optional(v.object({ value: Value, isSet: IsSet })),
    }),
  ),
});

type SettingsReply = Frozen<v.InferOutput<typeof Settings>>;

export const readSettings = route({
  method: 'GET',
  path: '/settings',
  summary:
    'Every setting: what holds, where that is written, and what the next start will take. Of secrets only whether they are set.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: Settings,
  statuses: [200, 304],
  reads: { 'If-None-Match': 'optional' },
  tells: { ETag: [200, 304] },
  headers: ({ revision }) => ({ etag: tagOf(revision) }),
  handle: async ({ settings }: SettingsDeps, { headers }) => {
    const view = await settings.view();
    const etag = tagOf(view.revision);
    return isKnown(headers, etag) ? new Content({ etag }, new Uint8Array(), 304) : view;
  },
});

export const changeSettings = route({
  method: 'PATCH',
  path: '/settings',
  summary:
    'Writes settings into their file, all or none; null takes one out. They count from the next start on. Needs If-Match.',
  access: 'manage',
  query: undefined,
  body: v.pipe(
    v.record(v.string(), Value, 'expected settings with their values'),
    v.minEntries(1, 'expected at least one setting'),
  ),
  reply: Settings,
  problems: [409, 412, 428],
  reads: { 'If-Match': 'required' },
  tells: { ETag: [200] },
  headers: ({ revision }) => ({ etag: tagOf(revision) }),
  handle: ({ settings }: SettingsDeps, { body, headers, caller }) => {
    const seen = tagsIn(headers.get('if-match'));
    if (seen.length === 0) {
      throw new Problem(428, 'If-Match with the ETag of GET /settings says what is to be changed.');
    }
    return answering(() => settings.change(body, seen, askingOf(caller)));
  },
});

function tagOf(revision: string): string {
  return `"${revision}"`;
}

/** The tags of RFC 9110 clause 13.1.1 without their quotes. */
function tagsIn(header: string | undefined): string[] {
  const tags = (header ?? '').split(',').map((tag) => tag.trim());
  return tags.filter((tag) => tag !== '').map((tag) => tag.replace(/^"(.*)"$/, '$1'));
}
