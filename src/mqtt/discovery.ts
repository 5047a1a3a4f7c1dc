/**
 * How Home Assistant finds the car: one message for the device with a sensor for each stream, retained
 * under `homeassistant/device/<d>/config` ("Device discovery payload" of its MQTT integration, since 2024.11).
 *
 * Short keys are its abbreviations: dev(ice), ids = identifiers, mf = manufacturer, mdl = model,
 * sw = sw_version, o(rigin), cmps = components, p = platform. What a component does not say itself it
 * gets from the device: `availability` of the device is `state`, of a stream that a source brings also
 * `avail/<source>`, and it is the whole list of a component that takes the place of the device's.
 *
 * A sensor with states is of the class `enum`, which takes neither a unit nor a state class, and gets the
 * word; any other gets the number, and JSON's null as `None`, which is "unknown" there. Values may be sums
 * that only grow (TOTALS), which its statistics have to know.
 *
 * A component that is left out of a later message stays; one that is there with its platform alone is
 * removed ("Removing a component").
 */
import type { Stream } from '#core/stream.ts';
import { haUnitOf } from './discovery-units.ts';

/** Home Assistant records the states of them all; more make it slow, and of more nobody has a view. */
const COMPONENTS_MAX = 500;
const PRODUCT = 'Vigil';
/** Since the car was built, or since its engine was: what they count does not become less. */
const TOTALS: readonly string[] = [
  'obd.vehicle.odometer',
  'obd.engine.total-runtime',
  'obd.engine.total-idle',
  'obd.engine.total-pto',
];
/** What the gateway and the buses tell of themselves. */
const DIAGNOSTIC = /^(gateway\.|can\.[^.]+\.[^.]+$)/;

/** A stream and where its values are. */
export interface Discovered {
  readonly stream: Stream;
  readonly stateTopic: string;
  /** Of its source; undefined for what no source brings. */
  readonly availabilityTopic: string | undefined;
}

export interface DiscoveryOptions {
  /** Matches `[a-z0-9_-]{1,23}`. */
  readonly device: string;
  readonly version: string;
  readonly simulated: boolean;
  readonly stateTopic: string;
  /** Of samples alone. */
  readonly streams: readonly Discovered[];
  /** Ids of streams that an earlier message had, and that are no more. */
  readonly gone: readonly string[];
}

/** JSON. Of too many streams the first COMPONENTS_MAX. */
export function discoveryPayload(options: DiscoveryOptions): string {
  const { device, version, simulated, stateTopic, streams, gone } = options;
  const shown = streams.slice(0, COMPONENTS_MAX);
  return JSON.stringify({
    dev: {
      ids: [`vigil_${device}`],
      name: device,
      mf: PRODUCT,
      mdl: simulated ? 'In-car gateway (simulation)' : 'In-car gateway',
      sw: version,
    },
    o: { name: PRODUCT, sw: version },
    availability: [{ topic: stateTopic }],
    availability_mode: 'all',
    qos: 0,
    cmps: Object.fromEntries([
      ...gone.map((id) => [id, { p: 'sensor' }]),
      ...shown.map((one) => [one.stream.id, component(one, options)]),
    ]),
  });
}

function component(
  { stream, stateTopic, availabilityTopic }: Discovered,
  { device, stateTopic: gateway }: DiscoveryOptions,
): object {
  return {
    p: 'sensor',
    unique_id: `vigil_${device}_${stream.id}`,
    name: stream.name,
    state_topic: stateTopic,
    ...(stream.states ? enumeration(stream.states) : measurement(stream)),
    ...(availabilityTopic !== undefined && {
      availability: [{ topic: gateway }, { topic: availabilityTopic }],
    }),
    ...(DIAGNOSTIC.test(stream.id) && { entity_category: 'diagnostic' }),
  };
}

function enumeration(states: NonNullable<Stream['states']>): object {
  return {
    device_class: 'enum',
    // Two numbers may mean the same, and no option may be there twice.
    options: [...new Set(Object.values(states))],
    value_template: '{{ value_json.s }}',
  };
}

function measurement(stream: Stream): object {
  const { unit, deviceClass } = haUnitOf(stream);
  return {
    ...(deviceClass !== undefined && { device_class: deviceClass }),
    ...(unit !== undefined && { unit_of_measurement: unit }),
    state_class: TOTALS.includes(stream.id) ? 'total_increasing' : 'measurement',
    value_template: '{{ value_json.v }}',
  };
}
