import type { Points } from '../../operators/kernels/points.js';

/** The points at these places, copied; the points themselves where these are all, in order. */
export function pointsAt(points: Points, places: Uint32Array): Points {
  const { data, size, dimensions } = points;
  if (places.length === size) return points;
  const chosen = new Float32Array(places.length * dimensions);
  for (const [i, at] of places.entries()) {
    chosen.set(data.subarray(at * dimensions, (at + 1) * dimensions), i * dimensions);
  }
  return { data: chosen, size: places.length, dimensions };
}
