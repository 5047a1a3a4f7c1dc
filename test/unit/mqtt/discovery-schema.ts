/**
 * What Home Assistant accepts as a device discovery message: DEVICE_DISCOVERY_SCHEMA of
 * homeassistant/components/mqtt/schemas.py and DISCOVERY_SCHEMA of its sensor.py, with the device
 * classes of homeassistant/components/sensor/const.py (DEVICE_CLASS_UNITS, DEVICE_CLASS_STATE_CLASSES), as
 * far as they are the same from 2024.11 on. Anything else than what is here is refused.
 */
import * as v from 'valibot';

/** Units of each class; those that later releases have added are left out. */
const CLASS_UNITS: Readonly<Record<string, readonly string[]>> = {
  current: ['A', 'mA'],
  distance: ['km', 'm', 'cm', 'mm', 'mi', 'yd', 'ft', 'in'],
  duration: ['d', 'h', 'min', 's', 'ms'],
  frequency: ['Hz', 'kHz', 'MHz', 'GHz'],
  power: ['W', 'kW'],
  pressure: ['Pa', 'hPa', 'kPa', 'bar', 'cbar', 'mbar', 'mmHg', 'inHg', 'psi'],
  speed: ['ft/s', 'in/d', 'in/h', 'km/h', 'kn', 'm/s', 'mph', 'mm/d', 'mm/h'],
  temperature: ['°C', '°F', 'K'],
  voltage: ['V', 'mV'],
  weight: ['kg', 'g', 'mg', 'oz', 'lb', 'st'],
};
/** Classes whose values may be sums. */
const SUMMABLE = ['distance', 'duration', 'weight'];

/** valid_subscribe_topic, without wildcards. */
const Topic = v.pipe(v.string(), v.regex(/^[^\s+#]+$/u));
const Text = v.pipe(v.string(), v.minLength(1));
const Availability = v.pipe(v.array(v.strictObject({ topic: Topic })), v.minLength(1));

const Sensor = v.pipe(
  v.strictObject({
    p: v.literal('sensor'),
    unique_id: Text,
    name: Text,
    state_topic: Topic,
    value_template: v.pipe(v.string(), v.regex(/^\{\{ value_json\.[a-z]+ \}\}$/)),
    device_class: v.optional(v.picklist(['enum', ...Object.keys(CLASS_UNITS)])),
    unit_of_measurement: v.optional(Text),
    state_class: v.optional(v.picklist(['measurement', 'total', 'total_increasing'])),
    options: v.optional(v.pipe(v.array(Text), v.minLength(1))),
    entity_category: v.optional(v.literal('diagnostic')),
    availability: v.optional(Availability),
  }),
  // validate_options and validate_sensor_state_and_device_class_config of sensor.py.
  v.check(
    ({ device_class, options, state_class, unit_of_measurement }) =>
      (device_class === 'enum') === (options !== undefined) &&
      (device_class !== 'enum' || (state_class ?? unit_of_measurement) === undefined),
    'an enum has options, and neither a unit nor a state class',
  ),
  v.check(({ options = [] }) => new Set(options).size === options.length, 'an option twice'),
  v.check(
    ({ device_class: name = '', unit_of_measurement: unit = '' }) =>
      CLASS_UNITS[name]?.includes(unit) ?? true,
    'a unit that its class does not have',
  ),
  v.check(
    ({ device_class: name, state_class }) =>
      name === undefined || state_class !== 'total_increasing' || SUMMABLE.includes(name),
    'a sum of what cannot be summed',
  ),
);

/** What takes a component away. */
const Removed = v.strictObject({ p: v.literal('sensor') });

export const Discovery = v.strictObject({
  dev: v.strictObject({
    ids: v.pipe(v.array(Text), v.minLength(1)),
    name: Text,
    mf: Text,
    mdl: Text,
    sw: Text,
  }),
  o: v.strictObject({ name: Text, sw: Text }),
  availability: Availability,
  availability_mode: v.picklist(['all', 'any', 'latest']),
  qos: v.picklist([0, 1, 2]),
  cmps: v.record(v.string(), v.union([Removed, Sensor])),
});
