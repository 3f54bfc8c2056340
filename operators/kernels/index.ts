// The public kernels: arithmetic on typed arrays, without RxJS.
export { FeatureSum, unbiasedMmd2OfSums } from './feature-sum.js';
export { type MedianHeuristicOptions, medianHeuristic } from './median-heuristic.js';
export { biasedMmd2, linearMmd2, unbiasedMmd2, weightedMmd2 } from './mmd.js';
export { type Points, squaredDistance, stack } from './points.js';
export { radicalInverse } from './radical-inverse.js';
export { hashFloat, hashUint32, type Random, randomFrom } from './random.js';
export { type RandomFeatures, type RandomFeaturesOptions, randomFeatures } from './random-features.js';
export { rbf } from './rbf.js';
