import * as v from 'valibot';
import { scopeOf } from '../../accounts/roles.ts';
import type { EcuIdentity, EcuPids, Frozen, Readiness } from '../../sources/obd/snapshot.ts';
import { type Caller, route } from '../route.ts';
import {
  Age,
  CAR_PROBLEMS,
  Connected,
  checkRiding,
  diagnosing,
  MaxAge,
  type RidingDeps,
} from './diagnostics-shape.ts';

/** What is known of a car, and whether it answers now. */
type Known<T> = T & { readonly connected: boolean };

/** What the routes need: `Diagnosing` of diagnosing.ts has it. */
export interface DiagnosticsDeps extends RidingDeps {
  /** All throw or reject with a DiagnosisError. */
  readonly diagnosis: {
    pids(): Known<{ readonly ecus: readonly EcuPids[] }>;
    identity(): Known<{
      readonly vin: string | null;
      readonly protocol: string | null;
      readonly ecus: readonly EcuIdentity[];
    }>;
    readiness(maxAgeS?: number): Promise<Known<Readiness & { readonly ageS: number | null }>>;
    freezeFrames(): Known<{ readonly items: readonly Frozen[] }>;
  };
}

const Text = v.nullable(v.string());
const Value = v.nullable(v.number());

export const listPids = route({
  method: 'GET',
  path: '/diagnostics/pids',
  summary: 'The parameters that each control unit of the car announces, with their newest values.',
  access: 'see',
  problems: CAR_PROBLEMS,
  query: undefined,
  body: undefined,
  reply: v.object({
    connected: Connected,
    ecus: v.array(
      v.object({
        ecu: v.string(),
        name: Text,
        pids: v.array(
          v.object({
            pid: v.string(),
            name: Text,
            values: v.array(
              v.object({
                stream: v.string(),
                name: v.string(),
                unit: v.string(),
                value: Value,
                ageS: Age,
              }),
            ),
          }),
        ),
      }),
    ),
  }),
  handle: (deps: DiagnosticsDeps, { caller }) =>
    diagnosing(() => {
      checkRiding(caller, deps);
      return deps.diagnosis.pids();
    }),
});

export const readVehicle = route({
  method: 'GET',
  path: '/diagnostics/vehicle',
  summary: 'What the car and its control units are called. The VIN is for operators only.',
  access: 'see',
  problems: CAR_PROBLEMS,
  query: undefined,
  body: undefined,
  reply: v.object({
    connected: Connected,
    vin: Text,
    vinHidden: v.boolean(),
    protocol: Text,
    ecus: v.array(
      v.object({
        ecu: v.string(),
        name: Text,
        vin: Text,
        calibrationIds: v.array(v.string()),
        verificationNumbers: v.array(v.string()),
      }),
    ),
  }),
  handle: (deps: DiagnosticsDeps, { caller }) =>
    diagnosing(() => {
      checkRiding(caller, deps);
      const found = deps.diagnosis.identity();
      if (mayIdentify(caller)) return { ...found, vinHidden: false };
      const ecus = found.ecus.map((ecu) => ({ ...ecu, vin: null }));
      return { ...found, vin: null, vinHidden: true, ecus };
    }),
});

/** By its VIN a car can be traced to who owns it. */
function mayIdentify({ user }: Caller): boolean {
  return user !== undefined && scopeOf(user.role, 'service') === 'all';
}

export const readReadiness = route({
  method: 'GET',
  path: '/diagnostics/readiness',
  summary: 'Which emission monitors are complete, whether the lamp is lit, and since when.',
  access: 'see',
  problems: CAR_PROBLEMS,
  query: v.strictObject({ maxAge: MaxAge }),
  body: undefined,
  reply: v.object({
    connected: Connected,
    ageS: Age,
    mil: v.nullable(v.boolean()),
    sinceCleared: v.object({ distanceKm: Value, minutes: Value, warmUps: Value, ageS: Age }),
    withMil: v.object({ distanceKm: Value, minutes: Value, ageS: Age }),
    ecus: v.array(
      v.object({
        ecu: v.string(),
        mil: v.boolean(),
        dtcCount: v.number(),
        ignition: v.picklist(['spark', 'compression']),
        monitors: v.array(
          v.object({
            name: v.string(),
            complete: v.boolean(),
            thisCycle: v.nullable(v.object({ enabled: v.boolean(), complete: v.boolean() })),
          }),
        ),
      }),
    ),
  }),
  handle: (deps: DiagnosticsDeps, { query, caller }) =>
    diagnosing(async () => {
      checkRiding(caller, deps);
      return await deps.diagnosis.readiness(query.maxAge);
    }),
});

export const listFreezeFrames = route({
  method: 'GET',
  path: '/diagnostics/freeze-frame',
  summary: 'The state of the car when a trouble code was stored, by control unit.',
  access: 'see',
  problems: CAR_PROBLEMS,
  query: undefined,
  body: undefined,
  reply: v.object({
    connected: Connected,
    items: v.array(
      v.object({
        ecu: v.string(),
        code: v.string(),
        text: v.string(),
        ageS: Age,
        values: v.array(v.object({ stream: v.string(), unit: v.string(), value: v.number() })),
      }),
    ),
  }),
  handle: (deps: DiagnosticsDeps, { caller }) =>
    diagnosing(() => {
      checkRiding(caller, deps);
      return deps.diagnosis.freezeFrames();
    }),
});
