import type { Domain } from '../../schemas/domain.js';
import type { Fields } from '../../schemas/example.js';
import type { Example, Plan } from '../../schemas/plan.js';
import type { ChatMessage } from '../language-model.js';
import { escaped, fieldTags, markers, type Tag, tagPattern, tagsOf } from './tags.js';

/** The layouts of the prompts with their versions: a changed layout gets a new version, which lineage then shows. */
export const promptIds = {
  draft: 'bare.draft/1',
  edit: 'bare.edit/1',
  'copy-edit': 'bare.copy-edit/1',
} as const;

/** `edit`: BARE's instruction, for able models; `copy-edit`: a correction under a grammar, for tiny ones. */
export type RefineStyle = 'edit' | 'copy-edit';

/** What ends an answer that was given in the layout of the examples. */
export const stops: readonly string[] = [markers.end, markers.start];

/** What the base model continues, and how many characters at its head are the same for all plans with these examples. */
export interface DraftPrompt {
  readonly prompt: string;
  readonly sharedPrefix: number;
}

/**
 * The examples of a plan, then an opened block with its label and varied values that ends in the first field's tag.
 *
 * Whatever a seed says, it cannot break the layout: a marker in it is shown in lower case, and a line of it that starts
 * with a tag is shown indented by a space, where `parseFields` does not see one.
 */
export function draftPrompt(domain: Domain, plan: Plan): DraftPrompt {
  const tags = tagsOf(domain);
  const shared = `${head(domain, tags, plan.examples)}\n\n${markers.start}\n`;
  const opened = [...leadLines(tags, plan), `${firstTitle(tags)}:`].join('\n');
  return { prompt: shared + opened, sharedPrefix: shared.length };
}

/** The conversation that asks for a better version of a draft; it ends as `style` wants the answer to start. */
export function refineMessages(domain: Domain, plan: Plan, draft: Fields, style: RefineStyle): readonly ChatMessage[] {
  return style === 'edit' ? editMessages(domain, plan, draft) : copyEditMessages(domain, draft);
}

function editMessages(domain: Domain, plan: Plan, draft: Fields): readonly ChatMessage[] {
  const tags = tagsOf(domain);
  const titles = fieldTags(tags).map((tag) => `"${tag.title}:"`);
  const given = leadLines(tags, plan);
  const content = [
    head(domain, tags, plan.examples),
    'Improve the draft below. Make it as realistic as the examples and closer to their style, settle what is ambiguous, ' +
      `and correct every error. Do not change its theme${given.length > 0 ? ` (${given.join('; ')})` : ''}.`,
    `Answer with the improved text alone, in the same format: ${titles.join(', then ')}, each at the start of a line. ` +
      'No introduction, no comment, nothing after it.',
    fieldLines(tags, draft).join('\n'),
  ].join('\n\n');
  return [{ role: 'user', content }];
}

function copyEditMessages(domain: Domain, draft: Fields): readonly ChatMessage[] {
  const tags = tagsOf(domain);
  return [
    {
      role: 'system',
      content: 'You are a careful copy editor. You fix errors and make a text read naturally.',
    },
    {
      role: 'user',
      content: `Edit this text. Keep its meaning and its length.\n\n${fieldLines(tags, draft).join('\n')}`,
    },
    { role: 'assistant', content: `${firstTitle(tags)}:` },
  ];
}

function head(domain: Domain, tags: readonly Tag[], examples: readonly Example[]): string {
  const blocks = examples.map((example) =>
    [markers.start, ...leadLines(tags, example), ...fieldLines(tags, example.fields), markers.end].join('\n'),
  );
  return [shown(domain.about, tags), ...blocks].join('\n\n');
}

/** The lines of the label and of the varied values that are known. */
function leadLines(tags: readonly Tag[], of: Pick<Example, 'label' | 'vary'>): readonly string[] {
  return tags.flatMap((tag) => {
    const value = tag.role === 'label' ? of.label : tag.role === 'vary' ? of.vary[tag.name] : undefined;
    return value === undefined ? [] : [`${tag.title}: ${shown(value, tags).replace(/\s+/gu, ' ')}`];
  });
}

function fieldLines(tags: readonly Tag[], fields: Fields): readonly string[] {
  return fieldTags(tags).map((tag) => `${tag.title}: ${shown(fields[tag.name] ?? '', tags)}`.trimEnd());
}

const markerPattern = new RegExp(stops.map(escaped).join('|'), 'gu');

/** A value as prompts show it: trimmed, one kind of line break, no marker, and no tag at the start of a line. */
function shown(value: string, tags: readonly Tag[]): string {
  return value
    .replace(/\r\n?/gu, '\n')
    .replace(/\p{Surrogate}|(?![\n\t])\p{Cc}/gu, ' ')
    .trim()
    .replace(markerPattern, (marker) => marker.toLowerCase())
    .replace(tagPattern(tags), ' $&');
}

function firstTitle(tags: readonly Tag[]): string {
  return fieldTags(tags)[0]?.title ?? '';
}
