import { randomFeatures } from '../../../operators/kernels/mmd/random-features.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { calibratedThresholds } from '../../../operators/kernels/sequential/calibrated-thresholds.js';
import { DriftTest, splitReference } from '../../../operators/kernels/sequential/drift-test.js';

export interface Drifting {
  readonly size: number;
  readonly window: number;
  readonly expectedRunTime: number;
  readonly maxBootstraps?: number;
  readonly dimensions?: number;
  readonly frequencies?: number;
}

/** Normal items, a reference of them, and its thresholds. */
export function calibrated({ dimensions = 2, frequencies = 64, ...options }: Drifting, seed: number) {
  const random = randomFrom(seed);
  const features = randomFeatures({ dimensions, frequencies, bandwidth: Math.sqrt(dimensions / 2), seed });
  const length = 2 * frequencies;
  const draw = (shift = 0) => {
    const phi = new Float64Array(length);
    features.map(
      Float32Array.from({ length: dimensions }, () => random.gaussian() + shift),
      phi,
    );
    return phi;
  };
  const reference = new Float64Array(options.size * length);
  for (let row = 0; row < options.size; row++) reference.set(draw(), row * length);
  const calibration = calibratedThresholds({ features: reference, seed, ...options });
  const test = (split: number) => {
    const parts = splitReference({
      features: reference,
      size: options.size,
      thresholds: calibration.thresholds,
      seed: split,
    });
    return new DriftTest({ ...parts, thresholds: calibration.thresholds });
  };
  return { ...calibration, reference, draw, test };
}

/** Items until the alarm. */
export function runLength(test: DriftTest, draw: () => Float64Array): number {
  while (!test.push(draw()).alarm);
  return test.tested;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
