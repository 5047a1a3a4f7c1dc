import { CanTool, type CanToolOptions } from './can/can-tool.ts';
import { CarReader } from './car-reader.ts';
import type { ObdSource } from './diagnosed.ts';
import { ElmTool, type ElmToolOptions } from './elm/elm-tool.ts';

export interface ObdOptions extends ElmToolOptions {
  readonly id: string;
}

/** OBD-II through an ELM327 or STN adapter. */
export function obdSource({ id, ...adapter }: ObdOptions): ObdSource {
  return new CarReader(id, new ElmTool(adapter));
}

export interface CanObdOptions extends CanToolOptions {
  readonly id: string;
}

/** OBD-II over a CAN bus, with the gateway as the test equipment. */
export function canObdSource({ id, ...bus }: CanObdOptions): ObdSource {
  return new CarReader(id, new CanTool(bus));
}
