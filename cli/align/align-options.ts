import { HeadwaterError } from '../../schemas/errors.js';
import type { ChosenColumns } from '../files/choose-columns.js';
import type { FileSources } from '../files/file-sources.js';
import { checkWeightsFile } from './weights-file.js';

export interface AlignOptions extends FileSources {
  /** A column of labels: candidates are weighted among those of their label. */
  readonly by?: string;
  /** Where the weights are written. */
  readonly out?: string;
  /** @default 0.0001 */
  readonly regularization?: number;
  /** @default 10 */
  readonly cap?: number;
  /** Share of a label's candidates that the effective sample size must reach. @default 0.2 */
  readonly minEffectiveShare?: number;
  /** `median`: the median heuristic on the real records. @default median */
  readonly bandwidth?: number | 'median';
  /** @default kernel */
  readonly objective?: 'kernel' | 'projections';
  /** Draw so many candidates by their weights. */
  readonly resample?: number;
  /** Each candidate once at most. @default false */
  readonly withoutReplacement?: boolean;
  /** Candidates that are solved for together; the weights of others are read off. @default 20,000 */
  readonly sample?: number;
  /** Random Fourier frequencies. @default 512 */
  readonly frequencies?: number;
  /** Real records that are held; of more, sums are kept. @default 65,536 */
  readonly held?: number;
  readonly watch?: Watch;
}

/** Told of what goes on. */
export interface Watch {
  readonly chosen?: (columns: ChosenColumns, plainText: readonly string[]) => void;
  readonly reading?: (file: string, records: number) => void;
  /** The share of the features of held real records that are added up, where weights are solved for in features. */
  readonly averaging?: (share: number) => void;
  /** The share of the kernel, or of the features, that is there for the weights of a label. */
  readonly preparing?: (label: string | undefined, share: number) => void;
  readonly solving?: (label: string | undefined, iterations: number, gap: number) => void;
  /** The share of the distances to the real records that is computed. */
  readonly measuring?: (share: number) => void;
}

const defaults = {
  regularization: 1e-4,
  cap: 10,
  minEffectiveShare: 0.2,
  objective: 'kernel',
  sample: 20_000,
  seed: 0,
  frequencies: 512,
} as const;

/** As in a recipe: all weights are even long before, and beyond 1e150 nothing could be computed any more. */
const mostRegularization = 1e6;

/** The options with their defaults. */
export type Settings = ReturnType<typeof checkedSettings>;

/** Throws `HeadwaterError` for options that cannot be meant. */
export function checkedSettings(realFile: string, candidateFile: string, options: AlignOptions) {
  if (realFile === '-' && candidateFile === '-') {
    throw new HeadwaterError('input-unreadable', 'standard input (-) can be one of the files only: name the other');
  }
  if (options.out !== undefined) checkWeightsFile(options.out, options.base);
  const { by, resample, withoutReplacement = false } = options;
  const given = { ...defaults, ...definedOf(options), by, resample, withoutReplacement };
  const check = (name: string, isGood: boolean, expected: string, value: unknown) => {
    if (!isGood) throw new HeadwaterError('recipe-invalid', `--${name}: expected ${expected}, got ${value}`);
  };
  const { regularization, cap, minEffectiveShare, sample } = given;
  const isRidge = regularization >= 0 && regularization <= mostRegularization;
  check('regularization', isRidge, `a number from 0 to ${mostRegularization}`, regularization);
  check('cap', cap >= 1, 'a number from 1', cap);
  check(
    'min-effective-share',
    minEffectiveShare >= 0 && minEffectiveShare <= 1,
    'a number from 0 to 1',
    minEffectiveShare,
  );
  check('sample', Number.isInteger(sample) && sample >= 2, 'a whole number from 2', sample);
  const { bandwidth = 'median' } = options;
  const isWidth = bandwidth === 'median' || (bandwidth > 0 && Number.isFinite(bandwidth));
  check('bandwidth', isWidth, 'a number above 0, or median', bandwidth);
  check(
    'resample',
    resample === undefined || (Number.isInteger(resample) && resample >= 1),
    'a whole number from 1',
    resample,
  );
  check('without-replacement', !withoutReplacement || resample !== undefined, '--resample with it', 'none');
  return given;
}

function definedOf({ regularization, cap, minEffectiveShare, objective, sample, seed, frequencies }: AlignOptions) {
  return {
    ...(regularization === undefined ? {} : { regularization }),
    ...(cap === undefined ? {} : { cap }),
    ...(minEffectiveShare === undefined ? {} : { minEffectiveShare }),
    ...(objective === undefined ? {} : { objective }),
    ...(sample === undefined ? {} : { sample }),
    ...(seed === undefined ? {} : { seed }),
    ...(frequencies === undefined ? {} : { frequencies }),
  };
}
