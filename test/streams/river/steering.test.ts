import { expect, test } from 'vitest';

import { themeOf, themes } from './mixture.js';
import { runSteered, type Steered, type SteeredOptions } from './steered-river.js';

const window = 48;
const scene: SteeredOptions = {
  writer: { own: [1, 0, 0, 0], stubborn: 0.35 },
  real: [0.4, 0.3, 0.2, 0.1],
  realRecords: 200,
  samples: 8 * window,
  window,
};

function shareOf(texts: readonly string[], theme: string): number {
  return texts.filter((text) => themeOf(text) === theme).length / texts.length;
}

/** Mean MMD^2 of the corrections in the last half. */
function laterMmd2({ corrections }: Steered): number {
  const later = corrections.slice(corrections.length / 2).map(({ mmd2 }) => mmd2);
  return later.reduce((sum, value) => sum + value, 0) / later.length;
}

// All of it is decided by seeds and the order of plans, so these are the same numbers in every run.
test('a writer that falls into one theme is brought back to the real shares by corrections, and without them is not', async () => {
  const closed = await runSteered(scene);
  const open = await runSteered({ ...scene, steps: { steer: 'off' } });
  const later = (run: Steered) => run.samples.slice(4 * window);
  expect(shareOf(later(open), themes[0])).toBeGreaterThan(0.54);
  expect(shareOf(later(closed), themes[0])).toBeLessThan(0.5);
  expect(laterMmd2(open)).toBeGreaterThan(0.0035);
  expect(laterMmd2(closed)).toBeLessThan(laterMmd2(open) / 2);
  expect(closed.corrections.at(-1)?.regions?.length).toBeGreaterThan(3);
}, 120_000);

test('a model that finds one theme in too many texts has it replaced by what is missing, and only where the loop is closed', async () => {
  const reasoning: SteeredOptions = { ...scene, writer: { own: [1, 0, 0, 0], stubborn: 0.6 }, reasons: true };
  const closed = await runSteered(reasoning);
  const open = await runSteered({ ...reasoning, steps: { steer: 'off' } });
  const later = (run: Steered) => run.samples.slice(4 * window);
  expect(shareOf(later(open), themes[0])).toBeGreaterThan(0.7);
  expect(shareOf(later(closed), themes[0])).toBeLessThan(0.56);
  expect(laterMmd2(closed)).toBeLessThan(laterMmd2(open) / 3);
}, 120_000);

test('a real stream that turns raises one alarm, gets a new reference, and takes generation and labels with it', async () => {
  const before = 4 * window;
  const run = await runSteered({
    writer: { own: scene.real, stubborn: 0.1 },
    real: [0.7, 0.1, 0.1, 0.1],
    realRecords: 300,
    samples: 2 * before,
    window,
    domain: { label: { field: 'kind', values: [...themes], shares: 'real' } },
    drift: { drift: { expectedRunTime: 20_000, window: 32, reference: 128 } },
    turn: { after: before, to: [0.1, 0.1, 0.1, 0.7] },
  });
  const [early, late] = [run.samples.slice(window, before), run.samples.slice(-2 * window)];
  const firstHalf = run.corrections.filter(({ accepted }) => accepted <= before);
  expect(firstHalf.every(({ drift, reference }) => drift?.alarms === 0 && reference === 0)).toBe(true);
  expect(run.corrections.at(-1)).toMatchObject({ drift: { alarms: 1 }, reference: 1 });
  expect(shareOf(early, themes[0])).toBeGreaterThan(0.55);
  expect(shareOf(late, themes[3])).toBeGreaterThan(0.35);
  expect(run.labels.filter((label) => label === themes[3]).length).toBeGreaterThan(2 * window * 0.4);
}, 120_000);
