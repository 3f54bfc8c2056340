import type { Domain } from '../../../schemas/domain.js';
import type { LayoutName } from '../../../schemas/steps/writing.js';
import { blocks } from './blocks.js';
import type { RawLayout } from './layout.js';
import { sections } from './sections.js';
import { xml } from './xml.js';

/** Every layout that a recipe can name. */
export const layouts: Readonly<Record<LayoutName, (domain: Domain) => RawLayout>> = { blocks, sections, xml };

/** Layouts by what a model's name contains, each with its reason; the first that fits is taken. */
const families: readonly (readonly [family: RegExp, raw: LayoutName, chat: LayoutName])[] = [
  // Measured with the 270M: tags of XML and quotes of JSON stay open in four texts of five, blocks parse in nine of ten.
  [/gemma/, 'blocks', 'blocks'],
  // As small: what is not a plain line is not closed.
  [/smollm/, 'blocks', 'blocks'],
  // The layout that BARE was measured with was written for Llama 3.1.
  [/llama-?[123]/, 'blocks', 'blocks'],
  // Trained on much Markdown: a numbered heading says that a list of like things goes on.
  [/qwen|deepseek/, 'sections', 'sections'],
  [/mistral|mixtral|ministral/, 'sections', 'sections'],
  // Able chat models close elements reliably, and elements survive texts that hold lines like ours; none of them has raw completion.
  [/gpt-[45]|\bo[134]\b|claude|gemini/, 'blocks', 'xml'],
];

/**
 * The layout for a model by the family that its name tells, `raw` for completion or `chat`; `blocks` for one that is not known, and for
 * those under 1B (`0.5b`, `360m`) whatever their family.
 *
 * @example
 * ```ts
 * layoutFor('llama/gemma-3-270m', 'raw'); // 'blocks'
 * ```
 */
export function layoutFor(model: string, use: 'raw' | 'chat'): LayoutName {
  // The engine's name in front of the model's is no family.
  const name = model.toLowerCase().replace(/^(?:llama|openai|replay|openai-batch)\//u, '');
  if (/(?:^|[^\d.])(?:0\.\d+b|\d{2,3}m)(?![a-z])/u.test(name)) return 'blocks';
  const family = families.find(([pattern]) => pattern.test(name));
  return family?.[use === 'raw' ? 1 : 2] ?? 'blocks';
}
