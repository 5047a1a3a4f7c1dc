import * as v from 'valibot';
import { RuleBody, RulePatch } from '../../alerts/rule/schema.ts';
import { AlertShape, RuleShape } from '../routes/alerts-shape.ts';
import { getToken } from '../routes/auth.ts';
import { GrantedShape } from '../routes/auth-shape.ts';
import { BluetoothDeviceShape } from '../routes/bluetooth-shape.ts';
import { DbcFileShape } from '../routes/can-shape.ts';
import { listTroubleCodes } from '../routes/diagnostics-dtc.ts';
import { HealthShape, HealthSummary } from '../routes/health.ts';
import { SessionShape } from '../routes/sessions-shape.ts';
import { readSettings } from '../routes/settings.ts';
import { SourceShape } from '../routes/sources-shape.ts';
import { StreamShape } from '../routes/streams.ts';
import { UserShape } from '../routes/users-shape.ts';
import { WallTime } from '../routes/wall-time.ts';
import { isSchema, type JsonSchema, REF, type Vocabulary } from './schema.ts';

/**
 * What shapes are called in the documents. One that stands in several places is written once, under a
 * name; a test tells of those that have none.
 */

/** RFC 9457, with the pointers of its example in clause 3. */
export const ProblemShape = v.object({
  title: v.pipe(v.string(), v.description('The reason phrase of the status.')),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  detail: v.pipe(v.string(), v.description('One sentence: what was wrong with this request.')),
  errors: v.optional(
    v.array(
      v.object({
        pointer: v.pipe(v.string(), v.description('Where in the body or the query, RFC 6901.')),
        message: v.string(),
      }),
    ),
  ),
});

const ConditionList = RulePatch.entries.all.wrapped;
const [Condition, ...deeper] = conditionsIn(ConditionList);
if (Condition === undefined) throw new TypeError('a list of conditions without conditions');

export const VOCABULARY: Vocabulary = {
  names: {
    Alert: AlertShape,
    AlertRule: RuleShape,
    AlertRuleDraft: RuleBody,
    AlertRulePatch: RulePatch,
    AlertWhen: RulePatch.entries.when.wrapped,
    AlertWhile: RulePatch.entries.while.wrapped,
    AlertEscalations: RulePatch.entries.escalate.wrapped,
    BluetoothDevice: BluetoothDeviceShape,
    Condition,
    ConditionList,
    DbcFile: DbcFileShape,
    Health: HealthShape,
    HealthSummary,
    Problem: ProblemShape,
    Session: SessionShape,
    Settings: readSettings.reply,
    Setting: readSettings.reply.entries.items.item,
    Source: SourceShape,
    Stream: StreamShape,
    TokenReply: GrantedShape,
    TokenRequest: getToken.body,
    TroubleCode: listTroubleCodes.reply.entries.items.item,
    User: UserShape,
  },
  instead: new Map<v.GenericSchema, JsonSchema>([
    [WallTime, { type: ['string', 'null'], format: 'date-time' }],
    // Each level has a schema of its own; what is in them is the same.
    ...deeper.map((list) => [list, { $ref: `${REF}ConditionList` }] as const),
  ]),
};

/** The conditions in a list, and the lists in those, level by level. */
function conditionsIn(list: v.GenericSchema): v.GenericSchema[] {
  const item = Reflect.get(list, 'item');
  const all = Reflect.get(Object(Reflect.get(Object(item), 'entries')), 'all');
  const lower = Reflect.get(Object(all), 'wrapped');
  const here = isSchema(item) ? [item] : [];
  return isSchema(lower) ? [...here, lower, ...conditionsIn(lower).slice(1)] : here;
}
