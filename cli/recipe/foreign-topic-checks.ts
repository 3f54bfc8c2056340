import { type ForeignTopicConfig, isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import { type InputKind, inputKinds, keysOf } from '../../streams/inputs/to-record.js';
import { suggestion } from './nearest.js';
import type { Problem } from './problem.js';

/** The inputs of a recipe that are topics which others write. */
export function foreignTopics({ inputs }: Recipe): readonly (readonly [kind: InputKind, input: ForeignTopicConfig])[] {
  return inputKinds.flatMap((kind) => {
    const input = inputs[kind];
    return isForeignTopic(input) ? [[kind, input] as const] : [];
  });
}

/** Whether each foreign topic can be read here, and gives what a record needs. */
export function foreignTopicProblems(recipe: Recipe): readonly Problem[] {
  return foreignTopics(recipe).flatMap(([kind, input]) => [
    ...placeProblems(recipe, kind, input),
    ...mapProblems(recipe, kind, input),
  ]);
}

function placeProblems({ topics, name }: Recipe, kind: InputKind, input: ForeignTopicConfig): readonly Problem[] {
  const path = ['inputs', kind];
  if (topics.kind !== 'kafka') {
    const text = 'only with topics.kind: kafka, as others write no topics of the embedded log';
    return [{ path: [...path, 'map'], text }];
  }
  const problems: Problem[] = [];
  if (input.topic.startsWith(`${topics.prefix ?? name}.`)) {
    const text = `'${input.topic}' has the prefix of this pipeline's own topics: name it without prefix and map, or set topics.prefix`;
    problems.push({ path: [...path, 'topic'], text });
  }
  if (input.format !== 'json' && input.registry === undefined) {
    const text = `is missing: format ${input.format} needs it, such as registry: {url: 'http://127.0.0.1:8081'}`;
    problems.push({ path: [...path, 'registry'], text });
  }
  return problems;
}

function mapProblems({ domain }: Recipe, kind: InputKind, { map }: ForeignTopicConfig): readonly Problem[] {
  const path = ['inputs', kind, 'map'];
  const known = keysOf(kind, domain);
  const unknown = Object.keys(map).filter((field) => !known.includes(field));
  const missing = neededFields(kind, domain).filter((field) => !Object.hasOwn(map, field));
  const of = kind === 'documents' ? 'documents have' : 'the domain has';
  return [
    ...unknown.map((field) => ({ path: [...path, field], text: `${of} no such field${suggestion(field, known)}` })),
    ...missing.map((field) => ({ path: [...path, field], text: `is missing: expected its place, such as $.${field}` })),
  ];
}

/** Only seeds must have a label: it decides which plans they are shown for. */
function neededFields(kind: InputKind, { fields, label }: Recipe['domain']): readonly string[] {
  if (kind === 'documents') return ['text'];
  return [...Object.keys(fields), ...(kind === 'seeds' && label !== undefined ? [label.field] : [])];
}
