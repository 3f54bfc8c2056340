import { isDeepStrictEqual } from 'node:util';

import type { Domain } from '../../schemas/domain.js';
import type { Fields } from '../../schemas/example.js';
import type { Example, Plan } from '../../schemas/plan.js';
import type { ChatMessage } from '../language-model.js';
import { blocks } from './layouts/blocks.js';
import { endOfExample, type Layout, type RawLayout } from './layouts/layout.js';

/** The wordings of the prompts with their versions: a changed wording gets a new version, which lineage then shows. */
const wordings = {
  draft: 'bare.draft/1',
  'few-shot': 'bare.few-shot/1',
  sequential: 'bare.sequential/1',
  'in-one': 'bare.in-one/1',
  edit: 'bare.edit/1',
  'copy-edit': 'bare.copy-edit/1',
} as const;

/** Those of plans with attributes, which stand in the place of the examples. */
const attributed: Partial<Readonly<Record<Wording, string>>> = {
  draft: 'synalign.draft/1',
  'few-shot': 'synalign.few-shot/1',
  sequential: 'synalign.sequential/1',
  'in-one': 'synalign.in-one/1',
  edit: 'synalign.edit/1',
};

export type Wording = keyof typeof wordings;

/** Wording and layout of a prompt with their versions, such as `bare.draft/1/blocks/1`, as a call keeps them. */
export function promptId(
  wording: Wording,
  layout: Pick<Layout, 'id'>,
  plan: Pick<Plan, 'attributes'> | undefined,
): string {
  const own = plan?.attributes === undefined ? undefined : attributed[wording];
  return `${own ?? wordings[wording]}/${layout.id}`;
}

/** `edit`: BARE's instruction, for able models; `copy-edit`: a correction under a grammar, for tiny ones. */
export type RefineStyle = 'edit' | 'copy-edit';

/** What the base model continues, and how many characters at its head are the same for all plans with these examples. */
export interface DraftPrompt {
  readonly prompt: string;
  readonly sharedPrefix: number;
}

/**
 * The examples of a plan, then an opened one with its context, label, varied values and attributes that ends where the first field
 * begins.
 */
export function draftPrompt(domain: Domain, layout: RawLayout, plan: Plan): DraftPrompt {
  const { shared, own } = layout.opened(plan, shownExamples(plan).length + 1);
  const head = `${sharedHead(domain, layout, plan)}\n\n${shared}`;
  return { prompt: head + own, sharedPrefix: head.length };
}

/** Asks an instruct model for one text: the main baseline of BARE. */
export function fewShotMessages(domain: Domain, layout: Layout, plan: Plan): readonly ChatMessage[] {
  const task =
    plan.attributes === undefined
      ? `Write one new text of this kind, as realistic as the examples and in their style, but about something else than any of them${given(layout, plan)}.${grounding(plan)}`
      : `Write one new text of this kind, as realistic as those that people write${given(layout, plan)}.${fitting(plan)}${grounding(plan)}`;
  return asked([
    ...head(domain, layout, plan),
    ...context(layout, plan.document),
    task,
    ...qualities(layout, plan),
    format('the text', domain, layout, plan),
  ]);
}

/** The same, with all texts of the plan's group so far, for one that differs from them. */
export function sequentialMessages(
  domain: Domain,
  layout: Layout,
  plan: Plan,
  shown: readonly Fields[],
): readonly ChatMessage[] {
  const before = shownExamples(plan).length;
  const written = shown.map((fields, index) => layout.example({ fields, vary: {} }, before + 1 + index));
  const task =
    plan.attributes === undefined
      ? 'as realistic as those above and in their style, but different from every one of them in theme and wording'
      : 'as realistic as those that people write, and different from every one above in theme and wording';
  return asked([
    ...head(domain, layout, plan),
    ...written,
    ...context(layout, plan.document),
    `Write one more text of this kind, ${task}${given(layout, plan)}.${fitting(plan)}${grounding(plan)}`,
    ...qualities(layout, plan),
    format('the text', domain, layout, plan),
  ]);
}

/** One call for the texts of several plans, each closed by a marker; the plans are of one group and show the same examples. */
export function inOneMessages(domain: Domain, layout: Layout, plans: readonly Plan[]): readonly ChatMessage[] {
  const [first] = plans;
  if (first === undefined) throw new TypeError('plans: expected at least one');
  const documents = plans.map(({ document }) => document);
  const common = documents.every((document) => document?.id === first.document?.id);
  const { attributes } = first;
  const alike = plans.every((plan) => isDeepStrictEqual(plan.attributes?.values, attributes?.values));
  const leads = plans.map((plan) =>
    [...layout.leads(plan), ...(alike ? [] : layout.qualities(plan.attributes))].join('; '),
  );
  const grounded = plans.find(({ document }) => document);
  const task =
    attributes === undefined
      ? 'as realistic as the examples and in their style, each about something else than the examples and than the other texts.'
      : `as realistic as those that people write, each about something else than the other texts.${alike ? fitting(first) : ''}`;
  return asked([
    ...head(domain, layout, first),
    ...(common
      ? context(layout, first.document)
      : documents.flatMap((document, index) => context(layout, document, ` of text ${index + 1}`))),
    `Write ${plans.length} new texts of this kind, ${task}${grounded === undefined ? '' : grounding(grounded)}`,
    ...(alike ? qualities(layout, first) : []),
    ...(leads.some((lead) => lead !== '') ? [leads.map((lead, index) => `${index + 1}. ${lead}`).join('\n')] : []),
    ...(layout.schema === undefined
      ? [
          `Answer with the texts alone, each ${formatOf(domain, layout, first)}, and after each of them a line that says ${endOfExample}. No numbers, no introduction, no comment.`,
        ]
      : [
          `Answer with one JSON object whose property "texts" is the list of them, each ${formatOf(domain, layout, first)}. Nothing else.`,
        ]),
  ]);
}

/** Asks for a better version of a draft: BARE's second stage. */
export function editMessages(domain: Domain, layout: Layout, plan: Plan, draft: Fields): readonly ChatMessage[] {
  const leads = layout.leads(plan);
  return asked([
    ...sharedHeadParts(domain, layout, plan),
    ...context(layout, plan.document),
    `Improve the draft below. Make it ${plan.attributes === undefined ? 'as realistic as the examples and closer to their style' : 'as realistic as those that people write and closer to the qualities below'}, settle what is ambiguous, ` +
      `and correct every error. Do not change its theme${leads.length > 0 ? ` (${leads.join('; ')})` : ''}.` +
      (plan.document === undefined
        ? ''
        : ` Change no more than needed, and let it be what somebody would ask or write about the ${layout.contextTitle.toLowerCase()} above.`),
    ...qualities(layout, plan),
    format('the improved text', domain, layout, plan),
    layout.text(draft),
  ]);
}

/** Asks a tiny model for a correction; shows neither examples nor context, which it would copy, and opens the answer. */
export function copyEditMessages(domain: Domain, draft: Fields): readonly ChatMessage[] {
  const text = blocks(domain).text(draft);
  return [
    {
      role: 'system',
      content: 'You are a careful copy editor. You fix errors and make a text read naturally.',
    },
    {
      role: 'user',
      content: `Edit this text. Keep its meaning and its length.\n\n${text}`,
    },
    { role: 'assistant', content: blocks(domain).opened({ vary: {} }, 1).own },
  ];
}

/** The first part of every prompt: the same bytes for all plans with the same examples, so that engines evaluate it once. */
function sharedHead(domain: Domain, layout: Layout, plan: Plan): string {
  return sharedHeadParts(domain, layout, plan).join('\n\n');
}

function sharedHeadParts(domain: Domain, layout: Layout, plan: Plan): readonly string[] {
  return [
    layout.shown(domain.about),
    ...shownExamples(plan).map((example, index) => layout.example(example, index + 1)),
  ];
}

/** Where attributes stand in the place of a plan's examples, those that show the format alone. */
function shownExamples({ attributes, formats = [], examples }: Plan): readonly Example[] {
  return attributes === undefined ? examples : formats;
}

/** The persona stands first, as in BARE: plans that share it and their examples share all of this. */
function head(domain: Domain, layout: Layout, plan: Plan): readonly string[] {
  const { persona } = plan;
  const parts = sharedHeadParts(domain, layout, plan);
  return persona === undefined ? parts : [`You are ${layout.shown(persona).replace(/\s+/gu, ' ')}.`, ...parts];
}

function context(layout: Layout, document: Plan['document'], of = ''): readonly string[] {
  if (document === undefined) return [];
  const title = document.title === undefined ? [] : [layout.shown(document.title).replace(/\s+/gu, ' ')];
  return [[`The ${layout.contextTitle.toLowerCase()}${of}:`, ...title, layout.shown(document.text)].join('\n')];
}

function given(layout: Layout, plan: Plan): string {
  const leads = layout.leads(plan);
  return leads.length > 0 ? ` (${leads.join('; ')})` : '';
}

/** How a text is to stand to its attributes, and to the texts that show its format. */
function fitting({ attributes, formats = [] }: Plan): string {
  if (attributes === undefined) return '';
  const shown = ' Those above show the format alone: take neither theme nor wording from them.';
  return ` It has the qualities below.${formats.length > 0 ? shown : ''}`;
}

/** The attributes of a plan, a line each. */
function qualities(layout: Layout, { attributes }: Plan): readonly string[] {
  return attributes === undefined ? [] : [layout.qualities(attributes).join('\n')];
}

function grounding({ document }: Plan): string {
  if (document === undefined) return '';
  return ' Ground it in its context: whatever it asks can be answered from that alone, and nothing in it is contrary to that.';
}

function format(what: string, domain: Domain, layout: Layout, plan: Plan): string {
  return `Answer with ${what} alone, ${formatOf(domain, layout, plan)}. No introduction, no comment, nothing after it.`;
}

/** Where no example shows the format, an empty text does. */
function formatOf(domain: Domain, layout: Layout, plan: Plan): string {
  if (plan.attributes === undefined || shownExamples(plan).length > 0) return layout.format;
  const empty = Object.fromEntries(Object.keys(domain.fields).map((name) => [name, '...']));
  return `in this format:\n${layout.text(empty)}\n`;
}

function asked(parts: readonly string[]): readonly ChatMessage[] {
  return [{ role: 'user', content: parts.join('\n\n') }];
}
