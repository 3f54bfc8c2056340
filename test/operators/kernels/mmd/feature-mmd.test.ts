import { expect, test } from 'vitest';

import { featureMmd2 } from '../../../../operators/kernels/mmd/feature-mmd.js';
import { biasedMmd2, unbiasedMmd2 } from '../../../../operators/kernels/mmd/mmd.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { type Points, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';

function normals(size: number, shift: number, seed: number): Points {
  const random = randomFrom(seed);
  return { data: Float32Array.from({ length: size * 4 }, () => random.gaussian() + shift), size, dimensions: 4 };
}

test('equals the linear MMD of the features themselves, and nears the exact one', () => {
  const [x, y] = [normals(150, 0, 1), normals(100, 0.5, 2)];
  const features = randomFeatures({ dimensions: 4, frequencies: 512, bandwidth: 2, seed: 3 });
  const mapped = (points: Points): Points => {
    const data = new Float64Array(points.size * 1024);
    features.mapAll(points, data);
    return { data, size: points.size, dimensions: 1024 };
  };
  const found = featureMmd2(x, y, features);
  expect(found.biased).toBeCloseTo(biasedMmd2(mapped(x), mapped(y), { name: 'linear' }), 8);
  expect(found.unbiased).toBeCloseTo(unbiasedMmd2(mapped(x), mapped(y), { name: 'linear' }), 8);
  expect(Math.abs((found.unbiased ?? 0) - unbiasedMmd2(x, y, 2))).toBeLessThan(0.01);
});

test('one point has no unbiased estimate; other dimensions are refused', () => {
  const features = randomFeatures({ dimensions: 4, frequencies: 8, bandwidth: 2, seed: 3 });
  expect(featureMmd2(normals(1, 0, 1), normals(3, 0, 1), features).unbiased).toBeNull();
  expect(() => featureMmd2(stack([[1]]), stack([[1]]), features)).toThrow('expected 4 numbers, got 1');
});
