// The public kernels: arithmetic on typed arrays, without RxJS.

export { apportion } from './apportion.js';
export { binomialInterval } from './binomial-interval.js';
export { type CloseVector, CosineIndex, type CosineIndexOptions, type VectorSketch } from './diversity/cosine-index.js';
export { CosineSum, type CosineSumState, DecayedCosineSum, type MeanCosine } from './diversity/cosine-sum.js';
export { Coverage, coveredMass, type Species, type TopicCellsOptions, topicCells } from './diversity/coverage.js';
export { estimatedJaccard, MinHash, signatureLanes } from './diversity/min-hash.js';
export { nearestCosine } from './diversity/nearest.js';
export { type PairedDiversity, pairedDiversity } from './diversity/paired-diversity.js';
export { kernelEigenvalues, SecondMoment, vendiScore } from './diversity/second-moment.js';
export { GreedyVariance, type GreedyVarianceOptions, type VariancePick } from './gaussian-process/greedy-variance.js';
export { IntegratedVariance, type IntegratedVarianceOptions } from './gaussian-process/integrated-variance.js';
export {
  type NearestObservation,
  PosteriorVariance,
  type PosteriorVarianceOptions,
} from './gaussian-process/posterior-variance.js';
export { DecayedFeatureSum } from './mmd/decayed-feature-sum.js';
export { exactMmd2, exactWeightedMmd2, type Mmd2 } from './mmd/exact-mmd.js';
export { featureMmd2 } from './mmd/feature-mmd.js';
export { FeatureSum, unbiasedMmd2OfSums } from './mmd/feature-sum.js';
export { type GramOptions, gram, kernelRowSums, kernelSum, type Progress, type RowSumsOptions } from './mmd/gram.js';
export { type Kernel, type KernelChoice, kernelFunction, type LinearKernel, type RbfKernel } from './mmd/kernel.js';
export { leadingFeatures } from './mmd/leading-features.js';
export { dotProduct } from './mmd/linear-kernel.js';
export { type MedianHeuristicOptions, medianHeuristic } from './mmd/median-heuristic.js';
export { biasedMmd2, linearMmd2, unbiasedMmd2, weightedMmd2 } from './mmd/mmd.js';
export { type PermutationTest, type PermutationTestOptions, permutationTest } from './mmd/permutation-test.js';
export { type RandomFeatures, type RandomFeaturesOptions, randomFeatures } from './mmd/random-features.js';
export { rbf } from './mmd/rbf.js';
export { type Points, squaredDistance, stack } from './points.js';
export { radicalInverse } from './radical-inverse.js';
export { hashFloat, hashUint32, type Random, randomFrom } from './random.js';
export { type BettingState, BettingTest } from './sequential/betting.js';
export {
  type CalibratedThresholds,
  Calibration,
  type CalibrationOptions,
  calibratedThresholds,
} from './sequential/calibrated-thresholds.js';
export {
  DriftTest,
  type DriftTestOptions,
  type DriftVerdict,
  type SplitOptions,
  splitReference,
} from './sequential/drift-test.js';
export {
  Newma,
  type NewmaOptions,
  type NewmaState,
  type NewmaVerdict,
  newmaLearning,
} from './sequential/newma.js';
export { type NewmaFactors, newmaFactors } from './sequential/newma-factors.js';
export {
  fixedHalfWidth,
  type RateInterval,
  SequentialRate,
  type SequentialRateOptions,
  type SequentialRateState,
} from './sequential/sequential-rate.js';
export { type KernelTiles, kernelTiles } from './wasm/kernel-tiles.js';
export { type SimdOption, simdIsSupported } from './wasm/tile-memory.js';
export { effectiveSampleSize } from './weights/effective-sample-size.js';
export { denseMatrix, type FeatureMatrix, featureMatrix, type KernelMatrix } from './weights/kernel-matrix.js';
export {
  type MmdWeightsOptions,
  mmdWeightSteps,
  mmdWeights,
  type OutOfSample,
  outOfSampleWeight,
} from './weights/mmd-weights.js';
export { type OwnPartOptions, ownPart } from './weights/own-part.js';
export {
  type ProjectionWeights,
  type ProjectionWeightsOptions,
  projectionWeights,
} from './weights/projection-weights.js';
export { sampleWithoutReplacement, systematicResample, WeightedReservoir } from './weights/resample.js';
export { projectToSimplex } from './weights/simplex.js';
export type { MmdWeights, MmdWeightsProgress } from './weights/solved-weights.js';
