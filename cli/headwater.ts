#!/usr/bin/env node
import { readFileSync } from 'node:fs';

import { Command, CommanderError, InvalidArgumentError } from 'commander';

import { HeadwaterError } from '../schemas/errors.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import type { Io } from './io.js';
import { processIo } from './process-io.js';
import { healthAddress } from './run/health.js';
import { supervision } from './run/supervision.js';

interface GlobalOptions {
  readonly json?: boolean;
}

const program = new Command('headwater')
  .description('Streams synthetic training data that stays on the real distribution, into Arrow and Parquet shards.')
  .version(version())
  .exitOverride()
  .showHelpAfterError();

command('init [recipe]', 'write a commented recipe with its seeds into this folder').action(
  async (recipe, _, command) => {
    const { init } = await import('./commands/init.js');
    await finish(command, (io) => init({ recipe }, io));
  },
);

command('check <recipe>', 'validate a recipe, draw its dataflow, list models, estimate cost')
  .option('--set <path=value>', 'change a value of the recipe (repeatable)', collected, [])
  .action(async (recipe, { set }, command) => {
    const arms = await armsIn(recipe);
    await finish(command, async (io) => {
      if (arms.length > 0) return (await import('./commands/check-arms.js')).checkArms({ recipe, set }, arms, io);
      return (await import('./commands/check.js')).check({ recipe, set }, io);
    });
  });

command('run <recipe>', 'stream samples until the target is reached; Ctrl-C stops cleanly, the same command goes on')
  .option('--samples <n>', 'accepted samples to reach', wholeNumber)
  .option('--data <dir>', 'folder of the topics (default: .headwater)')
  .option('--out <dir>', 'folder of the shards (default: what the recipe says)')
  .option('--stages <names>', 'only these stages, separated by commas')
  .option('--set <path=value>', 'change a value of the recipe (repeatable)', collected, [])
  .option('--reuse <dir>', 'use the paid answers of another data folder again (repeatable)', collected, [])
  .option('--more', 'where the target was reached before, go for as many more', false)
  .option('--print', 'write each sample to standard output when it is accepted', false)
  .option('--grace <seconds>', 'how long the first Ctrl-C lets models finish', wholeNumber, 10)
  .option('--health <address>', 'serve /healthz and /readyz at [host:]port; port 0 takes any that is free')
  .option('--workers <n>', 'on Kafka: run as so many processes, and start those again that die', wholeNumber)
  .action(async (recipe, { grace, workers, health, ...others }, command) => {
    const address = health === undefined ? {} : { health: healthAddress(health) };
    const options = { ...others, ...address, recipe, graceMs: grace * 1000 };
    const arms = await armsIn(recipe);
    await finish(command, async (io) => {
      if (arms.length > 0 && workers === undefined) {
        return (await import('./commands/run-arms.js')).runArms(options, arms, io);
      }
      if (workers === undefined) return (await import('./commands/run.js')).run(options, io);
      return (await import('./commands/run-workers.js')).runWorkers(options, workers, io);
    });
  });

command('load <topic> <file...>', 'put records of files into seeds, real, documents or drafts')
  .option('--recipe <file>', 'the pipeline (default: the run kept in .headwater)')
  .option('--data <dir>', 'folder of the topics')
  .action(async (topic, files, options, command) => {
    const { load } = await import('./commands/load.js');
    await finish(command, (io) => load({ ...options, topic, files }, io));
  });

command('tail <topic>', 'show records of any topic, decoded')
  .option('--from <where>', 'earliest, latest or an offset', 'latest')
  .option('--follow', 'go on as records come', false)
  .option('--prompts', 'after each record of reasoned, drafts or refined, the prompts that it came from', false)
  .option('--recipe <file>', 'the pipeline (default: the run kept in .headwater)')
  .option('--data <dir>', 'folder of the topics')
  .action(async (topic, options, command) => {
    const { tail } = await import('./commands/tail.js');
    await finish(command, (io) => tail({ ...options, topic }, io));
  });

command('status', 'lags, outcomes by stage and reason, tokens, cost, last MMD')
  .option('--recipe <file>', 'the pipeline (default: the run kept in .headwater)')
  .option('--data <dir>', 'folder of the topics')
  .action(async (options, command) => {
    const { status } = await import('./commands/status.js');
    await finish(command, (io) => status(options, io));
  });

command('shards [action]', 'the manifest; `shards verify` holds every file against it')
  .option('--out <dir>', 'the shard folder')
  .option('--recipe <file>', 'the pipeline (default: the run kept in .headwater)')
  .option('--data <dir>', 'folder of the topics')
  .action(async (action, options, command) => {
    const { shards } = await import('./commands/shards.js');
    await finish(command, (io) => shards({ ...options, action }, io));
  });

command('compare <real> <synthetic>', 'two files: diversity, duplicates, coverage, copies, MMD; - is standard input')
  .option('--field <names>', 'fields whose texts are compared, with commas (default: those that both have)', names)
  .option('--vectors <column>', 'compare ready-made vectors of this column; nothing is embedded')
  .option('--sample <n>', 'records of each file that pairs are made of (default: 10000)', wholeNumber)
  .option('--permutations <n>', 'for the p-value of the MMD; 0 for none (default: 1000)', wholeNumberFrom0)
  .option('--kernel <name>', 'of the MMD: rbf or linear (default: rbf)', kernelName)
  .option('--bandwidth <b>', 'of the RBF kernel: a number, or median (default: median)', bandwidthOption)
  .option('--seed <n>', 'of the sample and the permutations (default: 0)', seedNumber)
  .action(async (real, synthetic, { field: fields, ...others }, command) => {
    const { compare } = await import('./commands/compare.js');
    await finish(command, (io) => compare({ real, synthetic, ...others, ...(fields && { fields }) }, io));
  });

command(
  'explore <real>',
  'the order in which a Gaussian process would visit the records of a file; - is standard input',
)
  .option('--pick <n>', 'records to pick (default: 10)', wholeNumber)
  .option(
    '--criterion <name>',
    'variance: the least known; integrated: what tells most of all (default: variance)',
    criterionName,
  )
  .option('--length-scale <l>', 'of the RBF kernel: a number, or median (default: median)', bandwidthOption)
  .option('--bandwidth <l>', 'another name of --length-scale', bandwidthOption)
  .option('--first <index>', 'the row that is picked first, from 0 (default: one by the seed)', wholeNumberFrom0)
  .option('--by <column>', 'the labels of this column take turns, each explored on its own')
  .option(
    '--sample <n>',
    'records that are explored, drawn by the seed where there are more (default: 200000)',
    wholeNumber,
  )
  .option('--field <names>', 'fields whose texts are embedded, with commas (default: text, or all of texts)', names)
  .option('--vectors <column>', 'ready-made vectors of this column; nothing is embedded')
  .option('--seed <n>', 'decides between equally uncertain records, and draws the samples (default: 0)', seedNumber)
  .action(async (real, { field: fields, ...others }, command) => {
    const { explore } = await import('./commands/explore.js');
    await finish(command, (io) => explore({ real, ...others, ...(fields && { fields }) }, io));
  });

command('align <real> <candidates>', 'a weight for each candidate, under which they are like the real records')
  .option('--by <column>', 'labels: candidates are weighted within theirs, and labels get their real shares')
  .option('--out <file>', 'write index and weight to a .parquet, .arrow, .jsonl or .csv file')
  .option('--regularization <r>', 'of the ridge; larger is more even (default: 0.0001)', decimal)
  .option(
    '--cap <c>',
    'the greatest weight, within a label with --by, where 1 is that of all alike (default: 10)',
    decimal,
  )
  .option('--min-effective-share <s>', 'of the effective sample size; the ridge rises for it (default: 0.2)', decimal)
  .option('--resample <n>', 'write n candidates drawn by their weights instead', wholeNumber)
  .option('--without-replacement', 'each candidate is drawn once at most')
  .option('--objective <name>', 'kernel, or projections, which match the mean alone (default: kernel)', objectiveName)
  .option('--bandwidth <b>', 'of the RBF kernel: a number, or median (default: median)', bandwidthOption)
  .option('--field <names>', 'fields whose texts are embedded, with commas (default: those that both have)', names)
  .option('--vectors <column>', 'ready-made vectors of this column; nothing is embedded')
  .option('--sample <n>', 'candidates that are solved for together (default: 20000)', wholeNumber)
  .option('--seed <n>', 'of frequencies and draws (default: 0)', seedNumber)
  .action(async (real, candidates, { field: fields, ...others }, command) => {
    const { align } = await import('./commands/align.js');
    await finish(command, (io) => align({ real, candidates, ...others, ...(fields && { fields }) }, io));
  });

command(
  'models [action] [name]',
  'the embedded models, their licences, where they are; `models pull NAME` fetches one',
).action(async (action, name, _, command) => {
  const { models } = await import('./commands/models.js');
  await finish(command, (io) => models({ action, name }, io));
});

/** The names of a recipe's arms. */
async function armsIn(recipe: string): Promise<readonly string[]> {
  return (await import('./recipe/load-recipe.js')).armsOf(recipe);
}

function command(usage: string, description: string): Command {
  return program.command(usage).description(description).option('--json', 'print one JSON document and nothing else');
}

async function finish(command: Command, action: (io: Io) => Promise<number>): Promise<void> {
  process.exitCode = await action(processIo(command.opts<GlobalOptions>().json ?? false));
}

function collected(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function names(value: string): readonly string[] {
  const found = value.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('expected names, separated by commas.');
  return found;
}

function seedNumber(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new InvalidArgumentError('expected a whole number.');
  return number;
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1.');
  return number;
}

function wholeNumberFrom0(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('expected a whole number from 0.');
  return number;
}

function kernelName(value: string): 'rbf' | 'linear' {
  if (value !== 'rbf' && value !== 'linear') throw new InvalidArgumentError('expected rbf or linear.');
  return value;
}

function objectiveName(value: string): 'kernel' | 'projections' {
  if (value !== 'kernel' && value !== 'projections') throw new InvalidArgumentError('expected kernel or projections.');
  return value;
}

function decimal(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('expected a number.');
  return number;
}

function criterionName(value: string): 'variance' | 'integrated' {
  if (value !== 'variance' && value !== 'integrated') {
    throw new InvalidArgumentError('expected variance or integrated.');
  }
  return value;
}

function bandwidthOption(value: string): number | 'median' {
  if (value === 'median') return value;
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number))) throw new InvalidArgumentError('expected a positive number or median.');
  return number;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

/** One sentence for what a person can mend; a stack only for our own mistakes. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongInput;
  if (error instanceof HeadwaterError) {
    const { code, message } = error;
    const supervised = supervision();
    supervised?.tell({ type: 'failed', code, message });
    if (supervised !== undefined) return exitCodeOf(code);
    process.stderr.write(`headwater: ${error.message} [${error.code}]\n`);
    return exitCodeOf(error.code);
  }
  process.stderr.write(`headwater: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
