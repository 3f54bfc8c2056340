import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import type { Plan } from '../../schemas/plan.js';
import type { Refined } from '../../schemas/refined.js';
import { type LayoutName, layoutNames } from '../../schemas/steps/writing.js';
import type { ChatMessage } from '../language-model.js';
import { json } from './layouts/json.js';
import type { Layout, RawLayout } from './layouts/layout.js';
import { layouts } from './layouts/layout-for.js';
import {
  copyEditMessages,
  draftPrompt,
  editMessages,
  fewShotMessages,
  inOneMessages,
  promptId,
  sequentialMessages,
} from './prompts.js';

/** A prompt as it was sent; or why it cannot be shown, where it cannot. */
export type SentPrompt =
  | { readonly id: string; readonly prompt: string }
  | { readonly id: string; readonly messages: readonly ChatMessage[] }
  | { readonly id: string; readonly notShown: string };

/** What an in-one prompt was made of beside its plan: the plans that it asked for, in order; undefined where one is gone. */
export type GroupPlans = readonly Plan[] | undefined;

/**
 * The prompt that a draft came from, made again from the record; undefined where no model was asked. It is not shown where wording or
 * layout have another version in this program, or a plan of its group is gone.
 */
export function draftPromptOf(domain: Domain, draft: Draft, group: GroupPlans = undefined): SentPrompt | undefined {
  const id = draft.calls.at(-1)?.prompt;
  if (id === undefined) return undefined;
  const { plan, shown = [] } = draft;
  const raw = rawLayout(domain, id);
  if (raw !== undefined && id === promptId('draft', raw, plan))
    return { id, prompt: draftPrompt(domain, raw, plan).prompt };
  const layout = raw ?? (layoutName(id) === 'json' ? json(domain) : undefined);
  if (layout === undefined) return otherVersion(id);
  if (id === promptId('few-shot', layout, plan)) return { id, messages: fewShotMessages(domain, layout, plan) };
  if (id === promptId('sequential', layout, plan))
    return { id, messages: sequentialMessages(domain, layout, plan, shown) };
  if (id !== promptId('in-one', layout, plan)) return otherVersion(id);
  if (group === undefined) return { id, notShown: 'a plan of its group is no longer on the topic plans' };
  return { id, messages: inOneMessages(domain, layout, group) };
}

/** The conversation that a refined text came from, in the same way; undefined where no model was asked. */
export function refinePromptOf(domain: Domain, { plan, draft, calls }: Refined): SentPrompt | undefined {
  const id = calls.findLast(({ prompt }) => isEdit(prompt))?.prompt;
  if (id === undefined) return undefined;
  const layout: Layout | undefined = layoutName(id) === 'json' ? json(domain) : rawLayout(domain, id);
  if (layout === undefined) return otherVersion(id);
  if (id === promptId('edit', layout, plan)) return { id, messages: editMessages(domain, layout, plan, draft.fields) };
  if (id === promptId('copy-edit', layout, plan)) return { id, messages: copyEditMessages(domain, draft.fields) };
  return otherVersion(id);
}

/** Whether a prompt asked for an edit of a draft. */
export function isEdit(promptId: string): boolean {
  return /^(?:bare|synalign)\.(?:copy-)?edit\//u.test(promptId);
}

/** `bare.draft/1/blocks/1`: wording, its version, layout, its version. */
function layoutName(id: string): string | undefined {
  return id.split('/')[2];
}

function rawLayout(domain: Domain, id: string): RawLayout | undefined {
  const name = layoutNames.find((known): known is LayoutName => known === layoutName(id));
  return name === undefined ? undefined : layouts[name](domain);
}

/** Of a prompt whose wording or layout is not of this program. */
export function otherVersion(id: string): SentPrompt {
  return {
    id,
    notShown: `this version of Headwater does not have the prompt ${id}: use the one that wrote the record`,
  };
}
