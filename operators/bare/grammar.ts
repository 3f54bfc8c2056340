import type { Fields } from '../../schemas/example.js';
import { fieldTags, type Tag } from './tags.js';

/**
 * A GBNF grammar for an edit of `draft` that continues after the first field's tag.
 *
 * A field has several lines where the draft's has them, so a domain of n fields has at most 2^n grammars, which engines
 * can cache. Lengths are bounded by the request's `maxTokens` alone: a bound in the grammar would end a text in
 * mid-sentence and look like a finished one.
 */
export function editGrammar(tags: readonly Tag[], draft: Fields): string {
  const parts = fieldTags(tags).map((tag, index) => {
    const opening = index === 0 ? '" "' : literal(`\n${tag.title}: `);
    return `${opening} ${(draft[tag.name] ?? '').includes('\n') ? 'lines' : 'line'}`;
  });
  return [
    `root ::= ${parts.join(' ')}`,
    'lines ::= line ("\\n" "\\n"? line)*',
    'line ::= [^ \\n\\r\\t] [^\\n\\r\\t]*',
    '',
  ].join('\n');
}

function literal(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
