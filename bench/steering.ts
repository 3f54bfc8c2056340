import { parseArgs } from 'node:util';

import { FeatureSum, unbiasedMmd2OfSums } from '../operators/kernels/mmd/feature-sum.js';
import { medianHeuristic } from '../operators/kernels/mmd/median-heuristic.js';
import { randomFeatures } from '../operators/kernels/mmd/random-features.js';
import { stack } from '../operators/kernels/points.js';
import { hashFloat } from '../operators/kernels/random.js';
import { HashingEmbedder } from '../test/operators/synalign/hashing-embedder.js';
import { drawTheme, textAbout, themeOf, themes } from '../test/streams/river/mixture.js';
import { runSteered, type Steered, type SteeredOptions } from '../test/streams/river/steered-river.js';
import { printMachine, verdict } from './report.js';
import thresholds from './thresholds/steering.json' with { type: 'json' };

/**
 * Whether corrections bring a stream back to the real distribution: a writer that falls into one theme whatever it is shown, with the loop
 * closed and open, and a real stream that turns.
 *
 * `npm run bench -- steering [--windows N] [--window N]`. All of the river runs, on an embedded log, with an endpoint that answers by
 * its own mixture for a share of the requests, and follows its examples for the others. A window is above the threshold where its MMD^2 to
 * the real window is greater than for 99 of 100 pairs of windows that are both real. A minute or two. Exits with 1 where a bound of
 * `bench/thresholds/steering.json` is missed.
 */

const { values: options } = parseArgs({
  options: { windows: { type: 'string', default: '22' }, window: { type: 'string', default: '96' } },
});
const windows = Number(options.windows);
const window = Number(options.window);
const real = [0.4, 0.3, 0.2, 0.1];
const stubborn = { own: [1, 0, 0, 0], stubborn: 0.35 };
const frequencies = 256;

printMachine(['rxjs']);
const threshold = await thresholdOf(400);
console.log(`windows of ${window}; 99 % of real ones are below ${threshold.toFixed(4)}\n`);
const scene: SteeredOptions = { writer: stubborn, real, realRecords: 400, samples: windows * window, window };
const closed = await runSteered(scene);
const open = await runSteered({ ...scene, steps: { steer: 'off' } });
show('closed loop', closed);
show('open loop', open);
const turned = await turn();
verdict(thresholds, {
  windowsUntilBelow: untilBelow(closed),
  closedShareAboveAfter: shareAbove(closed, untilBelow(closed)),
  openShareAboveAfter: shareAbove(open, untilBelow(closed)),
  ...turned,
});

/** The greatest MMD^2 of 99 in 100 pairs of windows of real texts, with the features of the river. */
async function thresholdOf(pairs: number): Promise<number> {
  const embedder = new HashingEmbedder(64);
  const mmd2s: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const texts = Array.from({ length: 2 * window }, (_, n) =>
      textAbout(drawTheme(real, hashFloat(9, pair, n)), `${pair}/${n}`),
    );
    const vectors = await embedder.embed(texts);
    const bandwidth = medianHeuristic(stack(vectors.slice(0, window)));
    const features = randomFeatures({ dimensions: 64, frequencies, bandwidth, seed: 7 });
    const [a, b] = [vectors.slice(0, window), vectors.slice(window)].map((part) => {
      const sum = new FeatureSum(frequencies);
      const phi = new Float64Array(2 * frequencies);
      for (const vector of part) {
        features.map(vector, phi);
        sum.add(phi);
      }
      return sum;
    });
    if (a !== undefined && b !== undefined) mmd2s.push(unbiasedMmd2OfSums(a, b));
  }
  return mmd2s.sort((x, y) => x - y)[Math.ceil(0.99 * pairs) - 1] ?? Number.NaN;
}

/** MMD^2 at the end of each window of samples, which has none in common with the one before. */
function atWindows({ corrections }: Steered): readonly number[] {
  return corrections.filter(({ accepted }) => accepted % window === 0).map(({ mmd2 }) => mmd2);
}

/** The windows after which the newest one is below the threshold for the first time. */
function untilBelow(run: Steered): number {
  const first = atWindows(run).findIndex((mmd2) => mmd2 <= threshold);
  return first === -1 ? Number.POSITIVE_INFINITY : first + 1;
}

/** The share of the windows behind the first `from` that are above the threshold. */
function shareAbove(run: Steered, from: number): number {
  const later = atWindows(run).slice(from);
  return later.filter((mmd2) => mmd2 > threshold).length / later.length;
}

function show(name: string, run: Steered): void {
  console.log(name);
  for (const [index, mmd2] of atWindows(run).entries()) {
    const part = run.samples.slice(index * window, (index + 1) * window);
    const mark = mmd2 > threshold ? 'above' : '';
    console.log(
      `  window ${String(index + 1).padStart(2)}  ${mmd2.toFixed(4).padStart(8)} ${mark.padEnd(6)} ${sharesText(part)}`,
    );
  }
}

function sharesText(texts: readonly string[]): string {
  return themes.map((theme) => `${theme} ${(shareOf(texts, theme) * 100).toFixed(0)} %`).join('  ');
}

function shareOf(texts: readonly string[], theme: string): number {
  return texts.filter((text) => themeOf(text) === theme).length / texts.length;
}

/** The real stream turns from one theme to another: alarms before and after, and where samples go. */
async function turn() {
  const before = 4 * window;
  const run = await runSteered({
    writer: { own: real, stubborn: 0.1 },
    real: [0.7, 0.1, 0.1, 0.1],
    realRecords: 400,
    samples: 2 * before,
    window,
    drift: { drift: { expectedRunTime: 20_000, window: 32, reference: 256 } },
    turn: { after: before, to: [0.1, 0.1, 0.1, 0.7] },
  });
  const alarmsAt = (accepted: number) =>
    run.corrections.findLast((each) => each.accepted <= accepted)?.drift?.alarms ?? 0;
  const last = run.corrections.at(-1);
  const [early, late] = [run.samples.slice(before - 2 * window, before), run.samples.slice(-2 * window)];
  console.log(
    `the real stream turns after ${before} samples\n  before  ${sharesText(early)}\n  after   ${sharesText(late)}`,
  );
  console.log(`  alarms before ${alarmsAt(before)}, after ${last?.drift?.alarms}; reference ${last?.reference}\n`);
  return {
    falseAlarms: alarmsAt(before),
    alarmsAfterTurn: (last?.drift?.alarms ?? 0) - alarmsAt(before),
    referencesAfterTurn: last?.reference ?? 0,
    turnedShare: shareOf(late, themes[3]) - shareOf(early, themes[3]),
  };
}
