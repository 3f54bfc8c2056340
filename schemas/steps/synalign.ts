import { z } from 'zod';

/** Which real records are shown next: those that tell a Gaussian process most of all others, and what texts are missing. */
export const exploreStep = z.strictObject({
  /** Real records that a plan is shown: the one that is picked, and its nearest neighbours. */
  examples: z.int().min(1).max(20).default(3),
  /** Real records that stand for all that were explored, of each label. */
  inducing: z.int().min(8).max(4096).default(256),
  /** Real records that can be picked, of each label. */
  candidates: z.int().min(8).max(65_536).default(2048),
  /** Picks after which an explored region is half as well known; more is slower. */
  halfLife: z.number().positive().max(1e9).default(512),
  /** `integrated`: the record that tells most of all others; `variance`: the one that is least known, which may be an outlier. */
  criterion: z.enum(['integrated', 'variance']).default('integrated'),
});

/** What the picked real records are like, found by a model before anything is written. */
export const reasonStep = z.strictObject({
  /** `json`: a flat object; `lines`: lines of NAME: VALUE, bound by a grammar where the engine can. @default by the model */
  answer: z.enum(['json', 'lines']).optional(),
  /** Who is asked. @default instruct, where there is one */
  role: z.enum(['base', 'instruct']).optional(),
  /** Attributes that are asked for; others may be found beside them, up to 12 in all. */
  attributes: z.array(z.string().min(1).max(60)).min(1).max(12).default(['topic', 'tone', 'style', 'intent', 'length']),
  /** Plans that are written from one answer. */
  uses: z.int().min(1).max(1000).default(10),
  /** Words in a row that an attribute may share with its source; more is a copy, and is cut. */
  maxCopiedWords: z.int().min(1).max(100).default(6),
  temperature: z.number().min(0).max(2).optional(),
  attempts: z.int().min(1).max(10).default(2),
});

/** How samples are weighted so that together they are like the real stream. */
export const alignStep = z.strictObject({
  /**
   * `weights`: the shards' column of weights; `accept`: samples are kept with a probability by their weight, and weigh 1; `resample`: the weight is a
   * whole number of copies, and samples of none are dropped.
   */
  as: z.enum(['weights', 'accept', 'resample']).default('weights'),
  /** `kernel`: the RBF kernel, which tells all distributions apart; `projections`: random linear ones, which see only the mean. */
  objective: z.enum(['kernel', 'projections']).default('kernel'),
  /** Samples that weights are solved for together: the newest. */
  buffer: z.int().min(16).max(8192).default(1024),
  /** Samples between two solutions. */
  every: z.int().positive().default(64),
  /** Of the ridge; larger is more even. */
  regularization: z.number().nonnegative().max(1e6).default(1e-3),
  /** The greatest weight, where 1 is that of all samples alike. */
  cap: z.number().min(1).max(1e6).default(10),
  /** Below this share of the samples, the effective sample size is raised by a stronger ridge. */
  minEffectiveShare: z.number().min(0).max(1).default(0.2),
});

/** How corrections change what is planned next. */
export const steerStep = z.strictObject({
  /** How strongly missing mass draws picks, and values of attributes: 0 not at all. */
  strength: z.number().min(0).max(10).default(1),
  /** The most by which demand may raise or lower the odds of a region, or of a value of an attribute. */
  bound: z.number().min(1).max(100).default(4),
});

export type ExploreStep = Readonly<z.infer<typeof exploreStep>>;
export type ReasonStep = Readonly<z.infer<typeof reasonStep>>;
export type AlignStep = Readonly<z.infer<typeof alignStep>>;
export type SteerStep = Readonly<z.infer<typeof steerStep>>;
