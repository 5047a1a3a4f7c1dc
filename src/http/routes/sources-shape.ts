import * as v from 'valibot';

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A source as those see it who look after it. */
export const SourceShape = v.object({
  id: v.string(),
  kind: v.picklist(['obd', 'eeg', 'can', 'replay']),
  device: v.nullable(v.string()),
  simulated: v.boolean(),
  state: v.picklist(['starting', 'running', 'waiting']),
  text: v.string(),
  sinceS: v.number(),
  failures: Count,
  restarts: Count,
  counters: v.record(v.string(), v.unknown()),
});
export type SourceShape = v.InferOutput<typeof SourceShape>;
