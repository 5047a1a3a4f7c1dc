import type { AlertRule } from '#core/alert.ts';
import {
  ACTION_STATES,
  CLOCK_STATE,
  FATIGUE_LEVEL,
  SOURCE_STATES,
  STORE_STATE,
} from '#core/gateway-streams.ts';

/** What rules have where nothing else is said. */
const USUAL = {
  holdMs: 0,
  cooldownMs: 30_000,
  escalate: [],
  while: {},
  actions: [],
  enabled: true,
} as const;

/** Half-way between two states of an enumeration: no value is ever there. */
const BELOW_OK = 1.5;
const ABOVE_LOWEST = 0.5;

/** Rules that every gateway has from its first start. Somebody may change them, and have them back. */
export const SHIPPED_RULES: readonly AlertRule[] = [
  {
    ...USUAL,
    id: 'coolant-hot',
    name: 'Coolant too hot',
    severity: 'warn',
    stream: 'obd.engine.coolant',
    // A thermostat holds 85 to 105 Cel; coolant under pressure boils at about 120.
    when: { op: '>', value: 110, clear: 105 },
    unit: 'Cel',
    holdMs: 5_000,
    escalate: [{ value: 118, severity: 'alarm' }],
  },
  {
    ...USUAL,
    id: 'battery-low',
    name: 'Battery low',
    severity: 'warn',
    // That of an ECU is gone when the car sleeps; the adapter measures at the plug in any state.
    stream: 'obd.adapter.voltage',
    // At rest 11.8 V is an empty lead battery. The starter pulls it lower for seconds.
    when: { op: '<', value: 11.8, clear: 12.2 },
    unit: 'V',
    holdMs: 30_000,
    cooldownMs: 600_000,
    while: { engine: 'off' },
  },
  {
    ...USUAL,
    id: 'trouble-code',
    name: 'New trouble code',
    severity: 'warn',
    stream: 'obd.dtc',
    when: {
      op: 'event',
      match: { status: 'confirmed', present: true },
      key: ['code', 'ecu'],
      until: { status: 'confirmed', present: false },
    },
  },
  {
    ...USUAL,
    id: 'speed',
    name: 'Fast',
    severity: 'info',
    stream: 'obd.vehicle.speed',
    when: { op: '>', value: 130, clear: 125 },
    unit: 'km/h',
    holdMs: 3_000,
  },
  {
    ...USUAL,
    id: 'fatigue',
    name: 'Driver tired',
    severity: 'info',
    stream: FATIGUE_LEVEL.id,
    when: { op: '>', value: ABOVE_LOWEST },
    // Level by level, and for who drives on unmoved also by time.
    escalate: [
      { value: 1.5, afterMs: 300_000, severity: 'warn' },
      { value: 2.5, afterMs: 900_000, severity: 'alarm' },
    ],
  },
  {
    ...USUAL,
    id: 'source-lost',
    name: 'Source lost',
    severity: 'warn',
    stream: SOURCE_STATES,
    when: { op: '<', value: BELOW_OK },
    // Longer than it takes to connect again after a loose contact.
    holdMs: 10_000,
  },
  {
    ...USUAL,
    id: 'store-trouble',
    name: 'Recording in trouble',
    severity: 'warn',
    stream: STORE_STATE.id,
    when: { op: '<', value: BELOW_OK },
    holdMs: 5_000,
    escalate: [{ value: ABOVE_LOWEST, severity: 'alarm' }],
  },
  {
    ...USUAL,
    id: 'action-failing',
    name: 'Alert action failing',
    severity: 'warn',
    stream: ACTION_STATES,
    when: { op: '<', value: BELOW_OK },
    // One try that went wrong, and the next one right, is no failure.
    holdMs: 30_000,
  },
  {
    ...USUAL,
    id: 'clock-untrusted',
    name: 'Clock not set',
    severity: 'info',
    stream: CLOCK_STATE.id,
    when: { op: '<', value: ABOVE_LOWEST },
    // The network or a phone sets it soon after the start.
    holdMs: 60_000,
  },
];
