import { HeadwaterError } from '../../schemas/errors.js';
import type { Rule } from './rule.js';

/** Tells the language of a text as an ISO 639-1 code; undefined where it is not sure, as of a name or a number. */
export type DetectLanguage = (text: string) => string | undefined;

/** Characters that a text's language is told from. */
const enough = 2000;

/** The fields together are in none of the languages. A text whose language is not sure passes. */
export function otherLanguage(languages: readonly string[], detect: DetectLanguage): Rule {
  return {
    reason: 'other-language',
    form: false,
    broken: (fields) => {
      const found = detect(Object.values(fields).join('\n').slice(0, enough));
      if (found === undefined || languages.includes(found)) return undefined;
      return `it is in '${found}', not in ${languages.map((code) => `'${code}'`).join(' or ')}`;
    },
  };
}

/**
 * Loads the language detector (eld: n-grams of 60 languages), which takes a quarter of a second and 100 MB; 0.1 ms a text.
 *
 * Throws `HeadwaterError` with `recipe-invalid` for a language that it does not know.
 */
export async function languageDetector(languages: readonly string[]): Promise<DetectLanguage> {
  const { eld } = await import('eld/small');
  const known = Object.values(eld.info().Languages);
  const unknown = languages.find((language) => !known.includes(language));
  if (unknown !== undefined) {
    const text = `steps.gate.language: '${unknown}' is not a language that can be told`;
    throw new HeadwaterError('recipe-invalid', `${text}: expected one of ${known.toSorted().join(', ')}`);
  }
  return (text) => {
    const result = eld.detect(text);
    return result.isReliable() ? result.language : undefined;
  };
}
