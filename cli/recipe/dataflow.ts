import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import { plainName } from '../../streams/kafka/topic-names.js';
import { idleParts } from '../../streams/river/parts.js';
import { stagesOf } from '../../streams/river/stages.js';
import { modelsInUse } from './cross-checks.js';

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
  plan: ['plans'],
  draft: ['drafts'],
  refine: ['refined'],
  align: ['samples', 'corrections'],
  shard: ['shards'],
  manifest: [],
};

/** The stages that a recipe runs, in the order of the river. */
export function dataflow(recipe: Recipe): readonly FlowStage[] {
  const models = modelsInUse(recipe);
  const idOf = (role: 'base' | 'instruct'): string | null => {
    const model = models.get(role);
    if (model === undefined) return null;
    return model.engine === 'replay' ? `replay/${model.journal}` : `${model.engine}/${model.model}`;
  };
  return stagesOf(recipe, idleParts).map(({ name, inputs }) => ({
    name,
    consumes: inputs.map(plainName),
    operators: operatorsOf(name, recipe),
    produces: name === 'align' && !compares(recipe) ? ['samples'] : (produces[name] ?? []),
    model: name === 'draft' ? idOf('base') : name === 'refine' ? idOf('instruct') : null,
  }));
}

/** The stages as a picture in plain characters, from the inputs at the top to the shards at the bottom. */
export function drawDataflow(recipe: Recipe): string {
  const main = ['seeds', 'plans', 'drafts', 'refined', 'samples', 'shards'];
  const made = new Set(['ledger', 'corrections']);
  const lines: string[] = [`   ${sourceOf(recipe.inputs.seeds)}`, '     │ seeds'];
  for (const { name, consumes, operators, produces: outputs, model } of dataflow(recipe)) {
    const side = consumes.filter((topic) => !main.includes(topic) && (topic !== 'corrections' || compares(recipe)));
    const asks = model === null ? '' : `   asks ${model}`;
    lines.push('     ▼', `  [${name}]  ${operators.join(' → ')}${asks}`);
    for (const topic of side) lines.push(`     │  ◄── ${topic}${made.has(topic) ? '' : ` (${realSource(recipe)})`}`);
    const [down, ...others] = outputs;
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

function realSource({ inputs }: Recipe): string {
  return inputs.real === undefined ? '' : sourceOf(inputs.real);
}

/** Whether samples are compared with a real stream. */
function compares({ inputs, steps }: Recipe): boolean {
  return inputs.real !== undefined && steps.rollingMmd !== 'off';
}

function operatorsOf(name: string, recipe: Recipe): readonly string[] {
  const { domain, steps, shards } = recipe;
  switch (name) {
    case 'plan': {
      const drawn = [...(domain.label ? [domain.label.field] : []), ...Object.keys(domain.vary)];
      return [drawn.length === 0 ? 'plan' : `plan (draws ${drawn.join(', ')})`];
    }
    case 'draft':
      return [`draft (${steps.draft.examples} examples, up to ${steps.draft.attempts} attempts)`];
    case 'refine':
      return [steps.refine === 'off' ? 'passed on as drafted' : `refine (up to ${steps.refine.attempts} attempts)`];
    case 'align': {
      const { rollingMmd } = steps;
      const mmd = rollingMmd !== 'off' && compares(recipe) ? [`rolling MMD (${rollingMmd.window} records)`] : [];
      return ['in plan order', `gate (seed overlap < ${steps.gate.seedOverlap})`, 'quota', 'embed', ...mmd];
    }
    case 'shard':
      return [`${shards.format} (${shards.compression}, ${shards.rows} rows)`];
    case 'manifest':
      return ['append'];
    default:
      return ['read and map'];
  }
}
