import type { Domain } from '../../schemas/domain.js';
import { markers } from '../prompting/layouts/blocks.js';
import { endOfExample } from '../prompting/layouts/layout.js';
import { escaped, tagsOf } from '../prompting/tags.js';
import { type DetectLanguage, otherLanguage } from './language.js';
import { type PersonalData, personalData } from './personal-data.js';
import { promptInjection, specialToken } from './prompt-injection.js';
import { refusal } from './refusal.js';
import { repetition } from './repetition.js';
import { evidence, inAnyField, quoted, type Rule } from './rule.js';
import { wordsOf } from './words.js';

/** Rules that a pipeline may choose. */
export interface TextRules {
  /** @default true */
  readonly refusals?: boolean;
  /** Kinds of personal data that a text may not have. @default none */
  readonly personalData?: readonly PersonalData[];
  /** Languages that a text may be in, by their ISO 639-1 codes, and what tells them. @default any */
  readonly language?: { readonly languages: readonly string[]; readonly detect: DetectLanguage };
}

/** All rules of a domain that need nothing but the text, the plainest first. A text is long at most where `too-long` passes it. */
export function rulesOf(
  domain: Domain,
  { refusals = true, personalData: kinds = [], language }: TextRules = {},
): readonly Rule[] {
  return [
    missingField(domain),
    malformedText(),
    tooShort(domain),
    tooLong(domain),
    noMatch(domain),
    leakedMarker(),
    leakedTitle(domain),
    specialToken(),
    ...(refusals ? [refusal()] : []),
    promptWords(),
    promptInjection(),
    html(),
    repetition(),
    repeatedField(),
    repeatedSentence(),
    noFinalPunctuation(domain),
    ...(language === undefined ? [] : [otherLanguage(language.languages, language.detect)]),
    ...(kinds.length === 0 ? [] : [personalData(kinds)]),
  ];
}

/** A field of the domain is absent or blank. */
export function missingField(domain: Domain): Rule {
  const names = Object.keys(domain.fields);
  return {
    reason: 'missing-field',
    form: false,
    broken: (fields) => {
      const missing = names.find((name) => (fields[name] ?? '').trim() === '');
      return missing === undefined ? undefined : `'${missing}' has no text`;
    },
  };
}

/** A control character other than tab and line break, half of a surrogate pair, or the trace of bytes that are no UTF-8. */
export function malformedText(): Rule {
  return inAnyField('malformed-text', false, /\p{Surrogate}|\uFFFD|(?![\n\t])\p{Cc}/u, (found) => {
    return `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

/** A field has fewer characters (code points) than its `minLength`. */
export function tooShort(domain: Domain): Rule {
  return perField('too-short', domain, (text, { minLength }) => {
    const length = charactersOf(text);
    return length < minLength ? `${length} of at least ${minLength} characters` : undefined;
  });
}

/** A field has more characters (code points) than its `maxLength`. */
export function tooLong(domain: Domain): Rule {
  return perField('too-long', domain, (text, { maxLength }) => {
    const length = charactersOf(text);
    return length > maxLength ? `${length} of at most ${maxLength} characters` : undefined;
  });
}

/** A field does not match the regular expression that the domain asks of it. */
export function noMatch(domain: Domain): Rule {
  const patterns = new Map(
    Object.entries(domain.fields).flatMap(([name, { match }]) => (match ? [[name, new RegExp(match, 'u')]] : [])),
  );
  return perField('no-match', domain, (text, _field, name) => {
    const pattern = patterns.get(name);
    return pattern?.test(text) === false ? `does not match /${pattern.source}/` : undefined;
  });
}

/** Not across lines, so that a text of many empty ones takes no longer than another. */
const notWord = String.raw`[^\w\r\n\u2028\u2029]`;

/** A marker of the prompt's examples as it is written, with other signs between its words, or in any case on its own line. */
export function leakedMarker(): Rule {
  const pairs = [...Object.values(markers), endOfExample].map((marker) =>
    marker.split(' ').map(escaped).join('[\\W_]{0,3}'),
  );
  const asWritten = new RegExp(pairs.join('|'), 'u');
  const alone = new RegExp(`^${notWord}*(?:${pairs.join('|')})${notWord}*$`, 'imu');
  return {
    reason: 'leaked-marker',
    form: false,
    broken: (fields) => evidence(fields, (text) => (asWritten.exec(text) ?? alone.exec(text))?.[0]),
  };
}

/** A title of the prompt's lines, with its colon: at the start of a line in any case, elsewhere as it is written. */
export function leakedTitle(domain: Domain): Rule {
  const titles = tagsOf(domain).map((tag) => escaped(tag.title));
  const anywhere = new RegExp(`(?<![\\p{L}\\p{N}])(?:${titles.join('|')}):`, 'u');
  const atStart = new RegExp(`^(?:[^\\S\\r\\n\\u2028\\u2029]|[>*_#-])*(?:${titles.join('|')})[*_]*:`, 'imu');
  return {
    reason: 'leaked-title',
    form: true,
    broken: (fields) => evidence(fields, (text) => (anywhere.exec(text) ?? atStart.exec(text))?.[0]),
  };
}

/** Words of an instruction, or of an assistant who speaks about its task. */
export function promptWords(): Rule {
  const pattern = new RegExp(
    [
      String.raw`\brewrit(?:e|ten|ing)\b`,
      String.raw`\bproof-?read`,
      String.raw`\bsame format\b`,
      String.raw`\bcopy[ -]?edit`,
      String.raw`\bits meaning and its length\b`,
      String.raw`\bcorrect(?:ed|ing)? the (?:mistakes|errors|spelling|grammar|text)\b`,
      String.raw`\b(?:corrected|improved|revised|edited|original) (?:text|sentence|version|draft)\b`,
      String.raw`\b(?:text|sentence) (?:is|has been) (?:corrected|improved|revised|edited)\b`,
      String.raw`\bgrammatical(?:ly)?\b`,
      String.raw`\bspelling,? (?:and )?grammar\b`,
      String.raw`\bas an? (?:ai|language model)\b`,
      String.raw`\bai (?:assistant|language model)\b`,
    ].join('|'),
    'iu',
  );
  return inAnyField('prompt-words', true, pattern);
}

/** An HTML tag or comment; `<name>` and `<a@b.org>` are none. */
export function html(): Rule {
  const names =
    'a|b|i|u|p|br|hr|h[1-6]|em|strong|small|big|tt|font|center|span|div|table|tbody|thead|tr|td|th|ul|ol|li|img|html|head|' +
    'body|title|meta|link|style|script|form|input|button|pre|code|blockquote|iframe';
  return inAnyField('html', true, new RegExp(`</?(?:${names})(?:\\s[^<>]*)?/?>|<!--|<!doctype`, 'iu'));
}

/** Two fields say the same, case and punctuation aside. */
export function repeatedField(): Rule {
  return {
    reason: 'repeated-field',
    form: true,
    broken: (fields) => {
      const fieldByWords = new Map<string, string>();
      for (const [name, text] of Object.entries(fields)) {
        const words = wordsOf(text).join(' ');
        const other = fieldByWords.get(words);
        if (other !== undefined && words !== '') return `'${name}' says the same as '${other}'`;
        fieldByWords.set(words, name);
      }
      return undefined;
    },
  };
}

/** A sentence or line of at least four words that comes twice, or a run of words that is said three times on end. */
export function repeatedSentence(): Rule {
  return {
    reason: 'repeated-sentence',
    form: true,
    broken: (fields) => evidence(fields, (text) => sentenceTwice(text) ?? wordsOnEnd(text)),
  };
}

/** The last field ends without punctuation that ends a sentence; quotes and brackets may follow it. */
export function noFinalPunctuation(domain: Domain): Rule {
  const last = Object.keys(domain.fields).at(-1) ?? '';
  return {
    reason: 'no-final-punctuation',
    form: true,
    broken: (fields) => {
      const text = (fields[last] ?? '').trimEnd();
      return /[.!?…。！？।؟]["'”’»)\]*_]*$/u.test(text) ? undefined : `'${last}' ends with ${quoted(text.slice(-40))}`;
    },
  };
}

function sentenceTwice(text: string): string | undefined {
  const seen = new Set<string>();
  for (const sentence of text.split(/(?<=[.!?…。！？])\s+|\n+/u)) {
    const words = wordsOf(sentence);
    if (words.length < 4) continue;
    const key = words.join(' ');
    if (seen.has(key)) return sentence;
    seen.add(key);
  }
  return undefined;
}

/** A run of 1 to 8 words that follows itself twice; of one word, four times. */
function wordsOnEnd(text: string): string | undefined {
  const words = wordsOf(text);
  for (let size = 1; size <= 8; size += 1) {
    const needed = size === 1 ? 3 : 2;
    let same = 0;
    for (let at = size; at < words.length; at += 1) {
      same = words[at] === words[at - size] ? same + 1 : 0;
      if (same === needed * size) return words.slice(at + 1 - size, at + 1).join(' ');
    }
  }
  return undefined;
}

function perField(
  reason: string,
  domain: Domain,
  problem: (text: string, field: Domain['fields'][string], name: string) => string | undefined,
): Rule {
  const entries = Object.entries(domain.fields);
  return {
    reason,
    form: false,
    broken: (fields) => {
      for (const [name, field] of entries) {
        const found = problem(fields[name] ?? '', field, name);
        if (found !== undefined) return `'${name}': ${found}`;
      }
      return undefined;
    },
  };
}

function charactersOf(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}
