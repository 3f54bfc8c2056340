import type { Domain } from '../../schemas/domain.js';
import type { Fields } from '../../schemas/example.js';
import type { Embedder } from '../embedder.js';
import { rulesOf } from '../quality/rules.js';

export interface EditJudgeOptions {
  readonly domain: Domain;
  readonly embedder?: Embedder | undefined;
  /** @default 0.7 */
  readonly minCosine?: number;
  /** @default 0.6 */
  readonly minLengthRatio?: number;
}

/**
 * Decides why an edit is worse than its draft, if it is: the reason of a rule (`rulesOf`) that the edit breaks and the draft
 * keeps, such as `no-match` or `prompt-words`; `short`, where less than `minLengthRatio` of the characters is left; `long`,
 * where the draft is less than that of the edit; `far`, where the cosine is lower. That is asked last, since it alone costs
 * anything.
 */
export function editJudge(options: EditJudgeOptions): (draft: Fields, edit: Fields) => Promise<string | undefined> {
  const { domain, embedder, minCosine = 0.7, minLengthRatio = 0.6 } = options;
  if (!(minCosine >= -1 && minCosine <= 1)) throw new TypeError(`minCosine: expected -1 to 1, got ${minCosine}`);
  if (!(minLengthRatio >= 0 && minLengthRatio <= 1)) {
    throw new TypeError(`minLengthRatio: expected 0 to 1, got ${minLengthRatio}`);
  }
  const rules = rulesOf(domain);
  const textOf = (fields: Fields) =>
    Object.keys(domain.fields)
      .map((name) => fields[name] ?? '')
      .join('\n');

  return async (draft, edit) => {
    const [before, after] = [textOf(draft), textOf(edit)];
    if (before === after) return undefined;
    const broken = rules.find((rule) => rule.broken(edit) !== undefined && rule.broken(draft) === undefined);
    if (broken) return broken.reason;
    if (after.length < before.length * minLengthRatio) return 'short';
    if (before.length < after.length * minLengthRatio) return 'long';
    if (embedder === undefined) return undefined;
    const [a, b] = await embedder.embed([before, after]);
    return cosine(a, b) < minCosine ? 'far' : undefined;
  };
}

/** Of two unit vectors. */
function cosine(a: Float32Array = new Float32Array(), b: Float32Array = new Float32Array()): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
