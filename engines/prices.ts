import type { Usage } from '../operators/language-model.js';

/** What a model costs, in US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  /** Of prompt tokens that the server had in its cache and says so. @default as `input` */
  readonly cachedInput?: number | undefined;
  readonly output: number;
}

/** US dollars for the tokens of one answer. */
export function costOf({ input, cachedInput = input, output }: Price, usage: Usage): number {
  const { promptTokens, completionTokens } = usage;
  const cached = Math.min(usage.cachedPromptTokens ?? 0, promptTokens);
  return ((promptTokens - cached) * input + cached * cachedInput + completionTokens * output) / 1e6;
}

/** A price that a host publishes for everybody. */
export interface ListPrice extends Price {
  /** The share of it that batches cost. */
  readonly batch: number;
}

/**
 * When and where the prices were noted. They are facts that change: what a recipe says wins, and what is not certain is not here.
 */
export const listPriceNote = {
  noted: '2026-03',
  source: 'https://platform.openai.com/docs/pricing, as several public tables of that month repeat it',
} as const;

type Row = readonly [model: string, input: number, cachedInput: number | null, output: number];

/** Standard tier, short context, text. A dated name of a model is here where it costs something else than the model. */
const openaiRows: readonly Row[] = [
  ['gpt-5.2', 1.75, 0.175, 14],
  ['gpt-5.1', 1.25, 0.125, 10],
  ['gpt-5', 1.25, 0.125, 10],
  ['gpt-5-mini', 0.25, 0.025, 2],
  ['gpt-5-nano', 0.05, 0.005, 0.4],
  ['gpt-4.1', 2, 0.5, 8],
  ['gpt-4.1-mini', 0.4, 0.1, 1.6],
  ['gpt-4.1-nano', 0.1, 0.025, 0.4],
  ['gpt-4o', 2.5, 1.25, 10],
  ['gpt-4o-2024-05-13', 5, null, 15],
  ['gpt-4o-mini', 0.15, 0.075, 0.6],
  ['o3', 2, 0.5, 8],
  ['o4-mini', 1.1, 0.275, 4.4],
  ['o3-mini', 1.1, 0.55, 4.4],
  ['o1', 15, 7.5, 60],
  ['gpt-3.5-turbo', 0.5, null, 1.5],
  ['gpt-3.5-turbo-instruct', 1.5, null, 2],
  ['davinci-002', 2, null, 2],
  ['babbage-002', 0.4, null, 0.4],
];

/** By the host that asks the prices: the same model elsewhere costs what that host says. */
const byHost: ReadonlyMap<string, ReadonlyMap<string, ListPrice>> = new Map([
  ['api.openai.com', new Map(openaiRows.map((row) => [row[0], priceOf(row)]))],
]);

/** A date behind the name of a model: a snapshot of it, at its price. */
const dated = /-\d{4}-\d{2}-\d{2}$/;

/**
 * The public price of a model at the host of `url`, by its exact name or a dated variant of it; undefined where none is known, as
 * for every server of one's own. With `batch` it is what the host asks in batches.
 */
export function listPrice(url: string, model: string, { batch = false } = {}): Price | undefined {
  const prices = URL.canParse(url) ? byHost.get(new URL(url).hostname) : undefined;
  const price = prices?.get(model) ?? prices?.get(model.replace(dated, ''));
  if (price === undefined) return undefined;
  const { input, cachedInput, output, batch: share } = price;
  if (!batch) return { input, cachedInput, output };
  return { input: input * share, cachedInput: cachedInput && cachedInput * share, output: output * share };
}

function priceOf([, input, cachedInput, output]: Row): ListPrice {
  return { input, cachedInput: cachedInput ?? undefined, output, batch: 0.5 };
}
