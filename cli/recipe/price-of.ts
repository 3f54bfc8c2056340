import { listPrice, listPriceNote, type Price } from '../../engines/prices.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';

/** What a model costs, and who says so. */
export interface PriceOf extends Price {
  /** `recipe`, the host's public `list`, or `local`, which costs nothing. */
  readonly from: 'recipe' | 'list' | 'local';
}

/** What runs in this process costs no money. */
export const free: PriceOf = { input: 0, output: 0, from: 'local' };

/** The price of a recipe's model; undefined where neither the recipe nor a list knows it. Of several servers all must have one price. */
export function priceOf(model: LanguageModelConfig): PriceOf | undefined {
  if (model.engine === 'llama' || model.engine === 'replay') return free;
  if (model.price !== undefined) return { ...model.price, from: 'recipe' };
  const batch = model.engine === 'openai-batch';
  const [first, ...others] = [model.url].flat().map((url) => listPrice(url, model.model, { batch }));
  if (first === undefined || others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) return undefined;
  return { ...first, from: 'list' };
}

/** A price for people: `$0.15 in, $0.075 cached, $0.6 out a million tokens (list price of 2026-03)`. */
export function priceText(price: PriceOf | null): string {
  if (price === null) return 'price unknown';
  const { input, cachedInput, output, from } = price;
  if (from === 'local') return 'costs nothing';
  const cached = cachedInput === undefined ? '' : `, $${cachedInput} cached`;
  const source = from === 'list' ? ` (list price of ${listPriceNote.noted})` : '';
  return `$${input} in${cached}, $${output} out a million tokens${source}`;
}
