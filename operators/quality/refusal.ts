import { inAnyField, type Rule } from './rule.js';

const cannot = "(?:can['’]?t|cannot|can not|won['’]?t|will not|am unable to|am not able to|must decline to)";
const tasks = '(?:help|assist|comply|fulfil+|provide|generate|create|write|produce|complete|continue|answer|engage)';
const asked = '(?:request|prompt|content|task|question|topic|instructions?|with (?:that|this|it))';

/** An assistant that declines its task instead of doing it. Sentences like "I'm sorry, but I can't come" are none. */
export function refusal(): Rule {
  const pattern = new RegExp(
    [
      `\\b(?:sorry|apologi[sz]e|afraid|unfortunately)\\b[^.!?\\n]{0,20}?\\bi ${cannot} ${tasks}\\b`,
      `\\bi ${cannot} ${tasks}\\b[^.!?\\n]{0,60}?\\b${asked}\\b`,
      String.raw`\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b[^.!?\n]{0,60}?\b(?:can|cannot|could|do not|don['’]t|am|was|must)\b`,
      String.raw`\b(?:goes )?against my (?:programming|guidelines|principles|policies)\b`,
      String.raw`\bi (?:do not|don['’]t) have (?:personal )?(?:opinions|feelings|the ability to|access to (?:real-time|the internet))\b`,
    ].join('|'),
    'iu',
  );
  return inAnyField('refusal', true, pattern);
}
