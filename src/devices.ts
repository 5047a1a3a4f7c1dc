import type { Clock } from '#core/clock.ts';
import type { Config } from './config.ts';
import type { Log } from './io/log.ts';
import type { OpenPort } from './io/port.ts';
import { openerFor, type PortUrl } from './io/port-url.ts';
import type { EegUrl } from './settings.ts';
import { createSimulation, type Simulation } from './sim/simulation.ts';
import { thinkgearSource } from './sources/eeg/eeg.ts';
import { BAUD_RATES, type Diagnosed, obdSource } from './sources/obd/obd.ts';
import type { Source } from './sources/source.ts';

/** What a source reads: a car, the driver, or what was recorded of both. */
export type DeviceKind = 'obd' | 'eeg' | 'replay';

/** A source as the configuration asks for it. */
export interface Device {
  readonly kind: DeviceKind;
  readonly source: Source;
  /** The car that can be asked more than is read anyway; only of kind `obd`. */
  readonly car?: Diagnosed;
  /** Its bytes come from the simulator, not from a car or a head. */
  readonly simulated: boolean;
}

/** Builds the sources of the configuration. A new kind of source is one more line here. */
export function createDevices(config: Config, clock: Clock, log: Log): Device[] {
  const simulation = createSimulation(config.sim ?? 0, clock);
  const { obd, eeg } = config;
  return [
    ...(obd === undefined ? [] : [obdDevice(obd, simulation)]),
    ...eeg.map((url, index) => eegDevice(url, index, simulation, log)),
  ];
}

function obdDevice(url: PortUrl, simulation: Simulation): Device {
  const searches = url.kind === 'serial' && url.baud === undefined;
  const source = obdSource({
    id: 'obd',
    device: nameOf(url),
    open: opener(url, simulation.adapter),
    bauds: searches ? BAUD_RATES : [],
  });
  return { kind: 'obd', source, car: source, simulated: url.kind === 'sim' };
}

function eegDevice({ port }: EegUrl, index: number, simulation: Simulation, log: Log): Device {
  const source = thinkgearSource({
    // The first headset is `eeg`, the second `eeg2`.
    id: index === 0 ? 'eeg' : `eeg${index + 1}`,
    device: nameOf(port),
    open: opener(port, simulation.headset),
    log,
  });
  return { kind: 'eeg', source, simulated: port.kind === 'sim' };
}

function opener(url: PortUrl, simulated: OpenPort): OpenPort {
  return url.kind === 'sim' ? simulated : openerFor(url);
}

function nameOf(url: PortUrl): string {
  switch (url.kind) {
    case 'serial':
      return url.path;
    case 'tcp':
      return `${url.host}:${url.port}`;
    case 'sim':
      return 'simulator';
  }
}
