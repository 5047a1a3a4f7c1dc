import { Bridging, type BridgingOptions } from './bridging.ts';
import { Homing } from './homing.ts';
import { Mqtting, type MqttingOptions } from './mqtting.ts';

type Options = Omit<MqttingOptions, 'stats'> & Omit<BridgingOptions, 'about'>;

/** Where things are published: the gateway's own broker, the user's, and the cloud's. */
export function publishing(options: Options) {
  const { version, simulated, recording, config } = options;
  const bridging = new Bridging({ ...options, about: { version, simulated } });
  const mqtt = new Mqtting({
    ...options,
    stats: () => ({ store: recording.storeHealth().details, sync: { ...bridging.sync() } }),
  });
  const { homeAssistant } = config;
  const { publishing } = mqtt;
  const home = homeAssistant && new Homing({ ...options, publishing }, homeAssistant);
  return { mqtt, bridging, home };
}
