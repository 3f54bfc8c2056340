import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compareFiles } from '../cli/compare/compare-files.js';
import { pull } from '../engines/models/pull.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import { randomFrom } from '../operators/kernels/random.js';
import { printMachine, residentMiB, verdict } from './report.js';
import thresholds from './thresholds/compare.json' with { type: 'json' };

/**
 * How long `headwater compare` takes for two files of 10,000 records with 100 words, texts embedded by the static embedder.
 *
 * `npm run bench -- compare [FILE.jsonl] [--records N]`: with a file, its odd lines are compared with its even ones, and the
 * thresholds, which are for the made files, do not count. The words of made files are drawn from 20,000 by Zipf's law; one
 * record in fifty is an earlier one again. Exits with 1 where `bench/thresholds/compare.json` is missed.
 */

const wordsOfRecord = 100;
const vocabulary = 20_000;

const args = process.argv.slice(2);
const at = args.indexOf('--records');
const records = at < 0 ? 10_000 : Number(args.splice(at, 2)[1]);
const [path] = args;

const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-compare-'));
try {
  const { files } = await pull('wordllama-256');
  const [weights = '', tokenizer = ''] = files.values();
  const [real, synthetic] = path === undefined ? [made(1), made(2)] : halves(path);
  writeFileSync(join(folder, 'real.jsonl'), real);
  writeFileSync(join(folder, 'synthetic.jsonl'), synthetic);
  printMachine();

  let highest = 0;
  const memory = setInterval(() => {
    highest = Math.max(highest, residentMiB());
  }, 50);
  const laps = new Map<string, number>();
  let last = performance.now();
  const lap = (phase: string) => {
    const now = performance.now();
    laps.set(phase, (laps.get(phase) ?? 0) + now - last);
    last = now;
  };
  const cpu = process.cpuUsage();
  const [comparison] = await compareFiles('real.jsonl', ['synthetic.jsonl'], {
    base: folder,
    openEmbedder: () => staticEmbedder({ weights, tokenizer }),
    signal: new AbortController().signal,
    watch: { reading: (file) => lap(`reading ${file}`), pairs: () => lap('pairs') },
  });
  lap('pairs');
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(memory);
  if (comparison === undefined) throw new Error('nothing was compared');
  for (const [phase, ms] of laps) console.log(`${phase.padEnd(26)}${(ms / 1000).toFixed(1)} s`);
  const { real: a, synthetic: b, coverage, coverageExpected } = comparison;
  console.log(`${a.count} and ${b.count} records of ${a.meanWords?.toFixed(0)} words: coverage ${coverage.toFixed(3)}`);
  const figures = {
    seconds: comparison.seconds,
    cpuSeconds: (user + system) / 1e6,
    memoryMiB: highest,
    coverageError: Math.abs(coverage - coverageExpected),
  };
  if (path === undefined) verdict(thresholds, figures);
  else for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(20)}${figure.toPrecision(4)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** JSONL of made records, which the seed determines. */
function made(seed: number): string {
  const random = randomFrom(seed);
  const lines: string[] = [];
  while (lines.length < records) {
    const text = Array.from({ length: wordsOfRecord }, () => word(Math.floor(vocabulary ** random.float()))).join(' ');
    const isAgain = lines.length > 0 && random.below(50) === 0;
    lines.push(isAgain ? (lines[random.below(lines.length)] ?? '') : JSON.stringify({ text: `${text}.` }));
  }
  return `${lines.join('\n')}\n`;
}

/** A pronounceable word for a number from 1. */
function word(number: number): string {
  const syllables = ['ba', 'den', 'ti', 'ro', 'lum', 'ka', 'ses', 'mo', 'vin', 'ple'];
  return [...String(number)].map((digit) => syllables[Number(digit)]).join('');
}

function halves(file: string): readonly [odd: string, even: string] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const half = (rest: number) => `${lines.filter((_, i) => i % 2 === rest).join('\n')}\n`;
  return [half(0), half(1)];
}
