import { checkRunTime, mostTested } from '../../kernels/sequential/calibrated-thresholds.js';

/** Against a frozen reference, with false alarms as rare as was asked. */
export interface CalibratedDrift {
  readonly test?: 'calibrated';
  /** Real records between two false alarms, in the mean; at least `window`. */
  readonly expectedRunTime: number;
  /** Newest real records that are held against the reference: at most those of the rolling window, and 512. */
  readonly window: number;
  /**
   * Real records that the reference is drawn from: at least 4 x window. Of more than 2,048, or 8 windows where that is more, as many stay as a uniform sample.
   */
  readonly reference: number;
}

/** Against the recent past, by two moving averages: false alarms come at no promised rate, and slow drifts are absorbed. */
export interface NewmaDrift {
  readonly test: 'newma';
  /** Real records in which a change is to be seen: the averages forget accordingly. From 2. */
  readonly window: number;
  /** Standard deviations above the mean of the squared statistic from which there is an alarm. */
  readonly deviations: number;
}

/** When the real stream counts as drifted. */
export type DriftOptions = CalibratedDrift | NewmaDrift;

/** Throws `TypeError` where options are out of range, and of a calibrated test do not fit together, or not into the rolling window. */
export function checkDrift(drift: DriftOptions, window: number): void {
  if (drift.test === 'newma') checkNewma(drift);
  else checkCalibrated(drift, window);
}

function checkCalibrated(drift: CalibratedDrift, rollingWindow: number): void {
  const most = Math.min(rollingWindow, mostTested);
  if (!(drift.window <= most)) throw new TypeError(`drift.window: expected at most ${most}, got ${drift.window}`);
  try {
    checkRunTime(drift.window, drift.expectedRunTime, drift.reference);
  } catch (cause) {
    throw new TypeError(`drift.${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function checkNewma({ window, deviations }: NewmaDrift): void {
  if (!Number.isSafeInteger(window) || window < 2) {
    throw new TypeError(`drift.window: expected an integer from 2, got ${window}`);
  }
  if (!(deviations > 0 && Number.isFinite(deviations))) {
    throw new TypeError(`drift.deviations: expected a number above 0, got ${deviations}`);
  }
}
