import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import { plainName } from '../../streams/kafka/topic-names.js';
import { drafterOf } from '../../streams/river/drafter.js';
import { judgeOf } from '../../streams/river/judging.js';
import { idleParts } from '../../streams/river/parts.js';
import { reasonerOf } from '../../streams/river/reasoner.js';
import { stagesOf } from '../../streams/river/stages.js';
import { ownTopic } from '../../streams/river/topics-of.js';

/** A stage of a recipe's river: what it consumes, what it does, and what it produces. */
export interface FlowStage {
  readonly name: string;
  readonly consumes: readonly string[];
  /** Its operators with what the recipe says of them. */
  readonly operators: readonly string[];
  readonly produces: readonly string[];
  /** Such as `llama/gemma-3-270m`; null where it asks no language model. */
  readonly model: string | null;
}

const produces: Readonly<Record<string, readonly string[]>> = {
  'intake.seeds': ['seeds'],
  'intake.real': ['real'],
  'intake.documents': ['documents'],
  'intake.drafts': ['given'],
  plan: ['plans'],
  reason: ['reasoned'],
  draft: ['drafts'],
  refine: ['refined'],
  judge: ['verdicts'],
  shard: ['shards'],
  manifest: [],
};

/** The stages that a recipe runs, in the order of the river. */
export function dataflow(recipe: Recipe): readonly FlowStage[] {
  const drafter = drafterOf(recipe);
  const refiner = recipe.steps.refine === 'off' ? undefined : recipe.models.instruct;
  const askedIn: Readonly<Record<string, LanguageModelConfig | undefined>> = {
    reason: reasonerOf(recipe)?.model,
    draft: drafter?.model,
    refine: refiner,
    judge: judgeOf(recipe)?.model,
  };
  return stagesOf(recipe, idleParts).map(({ name, inputs }) => ({
    name,
    consumes: inputs.map(plainName),
    operators: operatorsOf(name, recipe),
    produces: name === 'align' ? alignProduces(recipe) : (produces[name] ?? []),
    model: idOf(askedIn[name]),
  }));
}

function idOf(model: LanguageModelConfig | undefined): string | null {
  if (model === undefined) return null;
  return model.engine === 'replay' ? `replay/${model.journal}` : `${model.engine}/${model.model}`;
}

/** The stages as a picture in plain characters, from the inputs at the top to the shards at the bottom. */
export function drawDataflow(recipe: Recipe): string {
  const main = ['seeds', 'plans', 'reasoned', 'drafts', 'refined', 'samples', 'shards'];
  const sources = sourcesOf(recipe);
  const lines: string[] = [`   ${sourceOf(recipe.inputs.seeds)}`, '     │ seeds'];
  for (const { name, consumes, operators, produces: outputs, model } of dataflow(recipe)) {
    const side = consumes.filter((topic) => !main.includes(topic) && (topic !== 'corrections' || compares(recipe)));
    const asks = model === null ? '' : `   asks ${model}`;
    lines.push('     ▼', `  [${name}]  ${operators.join(' → ')}${asks}`);
    for (const topic of side) lines.push(`     │  ◄── ${topic}${sources.get(topic) ?? ''}`);
    // what is judged goes on all the same
    const [down, ...others] = name === 'judge' ? ['samples', ...outputs] : outputs;
    for (const topic of others) lines.push(`     │  ──► ${topic}`);
    lines.push(down === undefined ? `     ▼\n   ${recipe.shards.dir}/  (shards and their manifest)` : `     │ ${down}`);
  }
  lines.push('', '   Each line that ends writes one record to ledger; what cannot be processed goes to dead-letters.');
  return `${lines.join('\n')}\n`;
}

/** An input as the recipe names it. */
export function sourceOf(input: InputConfig): string {
  if (typeof input === 'string') return input;
  return 'topic' in input ? `topic ${input.topic}` : `module ${input.module}`;
}

/** Where the records of each input's topic come from, in brackets. */
function sourcesOf({ inputs }: Recipe): ReadonlyMap<string, string> {
  const { real, documents, drafts } = inputs;
  const named = [[real, 'real'] as const, [documents, 'documents'] as const, [drafts, 'given'] as const];
  return new Map(
    named.flatMap(([input, topic]) =>
      input === undefined ? [] : [[ownTopic(input) ?? topic, ` (${sourceOf(input)})`] as const],
    ),
  );
}

function alignProduces(recipe: Recipe): readonly string[] {
  const measured = recipe.steps.measure === 'off' ? [] : ['quality'];
  return ['samples', ...(compares(recipe) ? ['corrections'] : []), ...measured];
}

/** Whether samples are compared with a real stream. */
function compares({ inputs, steps }: Recipe): boolean {
  return inputs.real !== undefined && steps.rollingMmd !== 'off';
}

/** The way in which drafts are written, with what it is given. */
function draftingOf({ steps, inputs }: Recipe): string {
  const { way, attempts, group, personas, answer } = steps.draft;
  if (way === 'given') return 'take the given texts as drafts';
  const together = way === 'sequential' || way === 'in-one' ? [`groups of ${group}`] : [];
  const asked = [
    shownOf(steps),
    ...together,
    ...(personas === undefined || way === 'base' ? [] : ['personas']),
    ...(inputs.documents === undefined ? [] : ['a document each']),
    ...(answer === 'json' ? ['as JSON'] : []),
    `up to ${attempts} attempts`,
  ];
  return `draft${way === 'base' ? '' : ` ${way}`} (${asked.join(', ')})`;
}

/** What a prompt shows. */
function shownOf({ draft: { examples, from }, explore, reason }: Recipe['steps']): string {
  if (reason !== 'off') return 'attributes in place of examples';
  if (explore !== 'off') return `${explore.examples} explored real examples`;
  return `${examples} ${from === 'real' ? 'real examples' : 'examples'}`;
}

/** What the gate looks for beside the rules that always hold. */
function checksOf({ steps: { gate, dedupe, decontaminate } }: Recipe): string {
  const checks = [
    `seed overlap < ${gate.seedOverlap}`,
    ...(gate.language === 'off' ? [] : [`language ${gate.language.join(' or ')}`]),
    ...(gate.pii === 'off' ? [] : [`no ${gate.pii.join(', ')}`]),
    ...(decontaminate === 'off' ? [] : [`no ${decontaminate.grams} words of ${decontaminate.files.join(', ')}`]),
    ...(dedupe === 'off' ? [] : duplicatesOf(dedupe)),
  ];
  return checks.join(', ');
}

function duplicatesOf({ near, semantic }: Exclude<Recipe['steps']['dedupe'], 'off'>): readonly string[] {
  return [
    'no duplicates',
    ...(near === 'off' ? [] : [`Jaccard < ${near}`]),
    ...(semantic === 'off' ? [] : [`cosine < ${semantic}`]),
  ];
}

/** How the real stream is watched for drift. */
function watchingOf(drift: Exclude<Recipe['steps']['rollingMmd'], 'off'>['drift']): string {
  if (drift === 'off') return '';
  return drift.test === 'newma' ? ', watching for drift by NEWMA' : ', watching for drift';
}

/** How real records are picked. */
function exploringOf({ explore, steer }: Recipe['steps']): readonly string[] {
  if (explore === 'off') return [];
  const steered = steer === 'off' ? '' : ', steered by corrections';
  return ['embed', `explore (a pick and ${explore.examples - 1} neighbours${steered})`];
}

function reasoningOf({ reason }: Recipe['steps']): string {
  if (reason === 'off') return 'reason';
  return `reason (${reason.attributes.join(', ')}; an answer serves ${reason.uses} plans)`;
}

function operatorsOf(name: string, recipe: Recipe): readonly string[] {
  const { domain, steps, shards } = recipe;
  switch (name) {
    case 'plan': {
      const drawn = [...(domain.label ? [domain.label.field] : []), ...Object.keys(domain.vary)];
      const planned = drawn.length === 0 ? 'plan' : `plan (draws ${drawn.join(', ')})`;
      return [...exploringOf(steps), planned];
    }
    case 'reason':
      return [reasoningOf(steps)];
    case 'draft':
      return [draftingOf(recipe)];
    case 'refine': {
      if (steps.refine === 'off') return ['passed on as drafted'];
      const clean = steps.decontaminate === 'off' ? [] : ['decontaminate'];
      return [...clean, `refine (up to ${steps.refine.attempts} attempts)`];
    }
    case 'align': {
      const { rollingMmd, measure } = steps;
      const figures = measure === 'off' ? [] : [`measure (${measure.window} samples)`];
      const weighed = steps.align === 'off' ? [] : [`weigh (${steps.align.as}, cap ${steps.align.cap})`];
      const drift = rollingMmd === 'off' ? '' : watchingOf(rollingMmd.drift);
      const mmd =
        rollingMmd !== 'off' && compares(recipe) ? [`rolling MMD (${rollingMmd.window} records${drift})`] : [];
      return ['in plan order', 'embed', `gate (${checksOf(recipe)})`, ...weighed, 'quota', ...mmd, ...figures];
    }
    case 'judge':
      return [steps.judge === 'off' ? 'judge' : `judge (${Math.round(100 * steps.judge.share)} % of the samples)`];
    case 'shard':
      return [`${shards.format} (${shards.compression}, ${shards.rows} rows)`];
    case 'manifest':
      return ['append'];
    default:
      return ['read and map'];
  }
}
