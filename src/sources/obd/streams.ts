import type { Stream } from '#core/stream.ts';

/** Streams of the adapter and of the car as a whole; those of PIDs are in pid-table.ts. */

export const ADAPTER_VOLTAGE: Stream = {
  id: 'obd.adapter.voltage',
  name: 'Voltage at the plug',
  unit: 'V',
  range: [0, 99.9],
  hz: 0.2,
  kind: 'sample',
};

export const IGNITION: Stream = {
  id: 'obd.ignition',
  name: 'Ignition',
  unit: '1',
  range: [0, 2],
  hz: 0.1,
  kind: 'sample',
  states: { 0: 'off', 1: 'on', 2: 'running' },
};

/** `{code, status, ecu, text, present}`: a trouble code has come or gone. */
export const TROUBLE: Stream = {
  id: 'obd.dtc',
  name: 'Trouble code',
  unit: '1',
  range: [0, 0xffff],
  hz: 0,
  kind: 'event',
};
