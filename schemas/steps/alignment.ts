import { z } from 'zod';

/** How the distance to the real stream is measured. */
export const rollingMmdStep = z.strictObject({
  /** Records in each of the two windows. */
  window: z.int().min(8).max(100_000).default(512),
  /** Random Fourier frequencies. */
  frequencies: z.int().min(16).max(4096).default(512),
  /** Accepted samples between two corrections. */
  every: z.int().positive().default(8),
  /** How it is watched whether the real stream drifts. */
  drift: z
    .union([
      z.literal('off'),
      z.literal(false).transform(() => 'off' as const),
      z.strictObject({
        /** Against a frozen reference, with false alarms as rare as was asked. */
        test: z.literal('calibrated').default('calibrated'),
        /** Real records between two false alarms, in the mean. */
        expectedRunTime: z.number().min(10).max(1e9).default(10_000),
        /** Newest real records that are held against the reference. */
        window: z.int().min(2).max(10_000).default(64),
        /** Real records that the reference is made of. */
        reference: z.int().min(16).max(100_000).default(1024),
      }),
      z.strictObject({
        /** Against the recent past: two moving averages, no reference, and no promise of how rare false alarms are. */
        test: z.literal('newma'),
        /** Real records in which a change is to be seen; after an alarm the test rests for as many. */
        window: z.int().min(2).max(10_000).default(64),
        /** Standard deviations above what the squared statistic has been, from which there is an alarm. */
        deviations: z.number().min(1).max(1000).default(7),
      }),
    ])
    .default('off'),
  /** The chance that samples that are like the real records are ever called different. */
  alpha: z.number().gt(0).lt(1).default(0.05),
});

/** How diverse the accepted samples are, and what refining did to that. */
export const measureStep = z
  .strictObject({
    /** Accepted samples between two measurements. */
    every: z.int().positive().default(64),
    /** The newest samples that the windowed figures are of. */
    window: z.int().min(8).max(100_000).default(512),
    /** Samples after which one weighs half in the decayed figures. */
    halfLife: z.number().positive().max(1e9).default(256),
  })
  .refine(({ every, window }) => every <= window, {
    path: ['every'],
    message: 'expected at most `window`: what is measured must still be in the window',
  });

/** How a judge model is asked whether samples can be told from real records. */
export const judgeStep = z.strictObject({
  /** Of the accepted samples, by the hash of their ids. */
  share: z.number().gt(0).max(1).default(0.1),
  /** The chance that indistinguishable samples are ever called detectable or mode-seeking. */
  alpha: z.number().gt(0).lt(1).default(0.05),
  /** The newest real records that a sample is shown among. */
  window: z.int().min(3).max(100_000).default(512),
  /** Model calls for one sample, each paid for, before its answer counts as unreadable. */
  attempts: z.int().min(1).max(10).default(2),
});
