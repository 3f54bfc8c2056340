import type { Fields } from '../../schemas/example.js';
import { fieldTags, type Tag } from './tags.js';

/**
 * A GBNF grammar for an edit of `draft` that continues after the first field's tag: every field has as many lines as in the
 * draft, with the same blank ones between. Without that, a tiny model adds a comment on its work as a last paragraph.
 *
 * Lengths are bounded by the request's `maxTokens` alone: a bound in the grammar would end a text in mid-sentence and look
 * like a finished one.
 */
export function editGrammar(tags: readonly Tag[], draft: Fields): string {
  const parts = fieldTags(tags).map((tag, index) => {
    const opening = index === 0 ? ' ' : `\n${tag.title}: `;
    return `${literal(opening)} ${lines(draft[tag.name] ?? '')}`;
  });
  return `root ::= ${parts.join(' ')}\nline ::= [^ \\n\\r\\t] [^\\n\\r\\t]*\n`;
}

/** A line for each line of the text that has one; more than one blank line between two counts as one. */
function lines(text: string): string {
  const parts: string[] = [];
  let blank = false;
  for (const line of text.trim().split('\n')) {
    if (line.trim() === '') {
      blank = true;
    } else {
      if (parts.length > 0) parts.push(literal(blank ? '\n\n' : '\n'));
      parts.push('line');
      blank = false;
    }
  }
  return parts.length === 0 ? 'line' : parts.join(' ');
}

/** A text as a GBNF grammar writes it. */
export function literal(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
