// The public kernels: arithmetic on typed arrays, without RxJS.

export { apportion } from './apportion.js';
export { type CloseVector, CosineIndex, type CosineIndexOptions, type VectorSketch } from './cosine-index.js';
export { CosineSum, type CosineSumState, DecayedCosineSum, type MeanCosine } from './cosine-sum.js';
export { Coverage, coveredMass, type Species, type TopicCellsOptions, topicCells } from './coverage.js';
export { FeatureSum, unbiasedMmd2OfSums } from './feature-sum.js';
export { type MedianHeuristicOptions, medianHeuristic } from './median-heuristic.js';
export { estimatedJaccard, MinHash, signatureLanes } from './min-hash.js';
export { biasedMmd2, linearMmd2, unbiasedMmd2, weightedMmd2 } from './mmd.js';
export { nearestCosine } from './nearest.js';
export { type PairedDiversity, pairedDiversity } from './paired-diversity.js';
export { type Points, squaredDistance, stack } from './points.js';
export { radicalInverse } from './radical-inverse.js';
export { hashFloat, hashUint32, type Random, randomFrom } from './random.js';
export { type RandomFeatures, type RandomFeaturesOptions, randomFeatures } from './random-features.js';
export { rbf } from './rbf.js';
export { kernelEigenvalues, SecondMoment, vendiScore } from './second-moment.js';
export {
  fixedHalfWidth,
  type RateInterval,
  SequentialRate,
  type SequentialRateOptions,
  type SequentialRateState,
} from './sequential-rate.js';
