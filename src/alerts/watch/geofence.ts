import type { Json } from '#core/stream.ts';

/** Mean radius R1 of the GRS 80 ellipsoid (Moritz 2000): a circle is right to 0.5 %. */
const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

/** Degrees, WGS 84. */
export interface Position {
  readonly lat: number;
  readonly lon: number;
}

/** Undefined where the data of an event is no place on earth. */
export function positionOf(data: { readonly [key: string]: Json }): Position | undefined {
  const lat = data['lat'];
  const lon = data['lon'];
  if (typeof lat !== 'number' || typeof lon !== 'number') return undefined;
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : undefined;
}

/** Metres on the sphere by the haversine formula, which is exact for small distances, too. */
export function distanceM(a: Position, b: Position): number {
  const north = Math.sin(((b.lat - a.lat) * RADIANS) / 2);
  const east = Math.sin(((b.lon - a.lon) * RADIANS) / 2);
  const h = north ** 2 + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * east ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}
