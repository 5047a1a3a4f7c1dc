import type { Clock } from '#core/clock.ts';
import type { OpenCanBus } from '../io/can/bus.ts';
import { busNames, type CanUrl, openerForCan } from '../io/can/can-url.ts';
import { sharedBus } from '../io/can/shared.ts';
import type { Log } from '../io/log.ts';
import type { OpenPort } from '../io/port.ts';
import { openerFor, type PortUrl } from '../io/port-url.ts';
import type { Config } from '../settings/config.ts';
import type { EegUrl } from '../settings/settings.ts';
import { createSimulation, type Simulation } from '../sim/simulation.ts';
import { type CanSource, canSource } from '../sources/can/can.ts';
import { thinkgearSource } from '../sources/eeg/eeg.ts';
import { Guard } from '../sources/obd/can/guard.ts';
import type { Diagnosed } from '../sources/obd/diagnosed.ts';
import { BAUD_RATES } from '../sources/obd/elm/elm-tool.ts';
import { canObdSource, obdSource } from '../sources/obd/obd.ts';
import type { Source } from '../sources/source.ts';

/** What a source reads: a car, the driver, what the car's units tell each other, or a recording. */
export type DeviceKind = 'obd' | 'eeg' | 'can' | 'replay';

/** A source as the configuration asks for it. */
export interface Device {
  readonly kind: DeviceKind;
  readonly source: Source;
  /** The car that can be asked more than is read anyway; only of kind `obd`. */
  readonly car?: Diagnosed;
  /** What its frames mean can be changed; of a CAN bus only, be it a recorded one. */
  readonly can?: CanSource;
  /** Its bytes come from the simulator, not from a car or a head. */
  readonly simulated: boolean;
}

/** Builds the sources of the configuration. A new kind of source is one more line here. */
export function createDevices(config: Config, clock: Clock, log: Log): Device[] {
  const simulation = createSimulation(config.sim ?? 0, clock);
  const { obd, eeg, can, canTransmit, canRate } = config;
  const asks = obd === undefined && canTransmit === 'diagnostic';
  // Only the first bus is ever asked anything: the others have nothing that could let a frame out.
  const guard = asks ? new Guard({ ratePerS: canRate, clock }) : undefined;
  const names = busNames(can);
  const buses = can.map((url, i) =>
    busOf(url, names[i] ?? '', { simulation, guard: i === 0 ? guard : undefined }),
  );
  return [
    ...(obd === undefined ? [] : [obdDevice(obd, simulation)]),
    ...buses.slice(0, 1).flatMap((bus) => (guard === undefined ? [] : [askedDevice(bus, guard)])),
    ...eeg.map((url, index) => eegDevice(url, index, simulation, log)),
    ...buses.map((bus, index) => canDevice(bus, index)),
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

/** A CAN bus of the configuration. */
interface Bus {
  readonly name: string;
  /** What messages call it: `can0`, `/dev/ttyACM0`. */
  readonly device: string;
  /** One for all who want it. */
  readonly open: OpenCanBus;
  readonly simulated: boolean;
}

interface BusParts {
  readonly simulation: Simulation;
  /** Left out for a bus that is only listened to. */
  readonly guard: Guard | undefined;
}

function busOf(url: CanUrl, name: string, { simulation, guard }: BusParts): Bus {
  const permit = guard?.permit;
  const simulated = url.kind === 'sim';
  const open = simulated ? simulation.bus(name, permit) : openerForCan(url, { name, permit });
  return { name, device: busDevice(url), open: sharedBus(open), simulated };
}

function busDevice(url: CanUrl): string {
  switch (url.kind) {
    case 'can':
      return url.interface;
    case 'slcan':
      return nameOf(url.port);
    case 'sim':
      return nameOf(url);
  }
}

function askedDevice({ device, open, simulated }: Bus, guard: Guard): Device {
  const source = canObdSource({ id: 'obd', device, open, guard });
  return { kind: 'obd', source, car: source, simulated };
}

function canDevice({ name, device, open, simulated }: Bus, index: number): Device {
  // The first bus is `can`, the second `can2`.
  const id = index === 0 ? 'can' : `can${index + 1}`;
  const source = canSource({ id, name, device, open });
  return { kind: 'can', source, can: source, simulated };
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
    case 'bluetooth':
      return url.address;
    case 'sim':
      return 'simulator';
  }
}
