/** The few statistics that benchmarks need. All of them want at least one value. */

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return (percentile(values, 50) + percentile(values, 50, 'above')) / 2;
}

/**
 * The nearest-rank percentile: the smallest value that at least `p` per cent do not exceed. With
 * `above`, where such a share falls exactly between two values, the upper of them.
 *
 * @param p above 0, up to 100
 */
export function percentile(
  values: readonly number[],
  p: number,
  at: 'below' | 'above' = 'below',
): number {
  const rank = (p / 100) * values.length;
  const index = at === 'below' ? Math.ceil(rank) - 1 : Math.floor(rank);
  const value = values.toSorted((a, b) => a - b)[Math.min(index, values.length - 1)];
  if (value === undefined) throw new RangeError('a percentile of no values');
  return value;
}

/** Slope of the least-squares line through (x, y), in units of y per unit of x; 0 for one point. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x0 = mean(([x]) => x);
  const y0 = mean(([, y]) => y);
  const sxx = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  const sxy = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return sxx === 0 ? 0 : sxy / sxx;
}

/** Rounded to `digits` significant digits: the rest of a measurement is noise. */
export function significant(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}
