import { inAnyField, type Rule } from './rule.js';

/** A sentence that tells a model to leave its instructions, or to name them. */
export function promptInjection(): Rule {
  const pattern = new RegExp(
    [
      String.raw`\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,30}?\b(?:previous|prior|above|earlier|preceding|system|your)\b[^.!?\n]{0,20}?\b(?:instructions?|prompts?|rules|directions|guidelines)\b`,
      String.raw`\b(?:reveal|print|repeat|show|output)\b[^.!?\n]{0,20}?\b(?:system|hidden|initial) (?:prompt|instructions?|message)\b`,
      String.raw`\byou are now (?:dan|in (?:developer|jailbreak) mode|an unrestricted)\b`,
    ].join('|'),
    'iu',
  );
  return inAnyField('prompt-injection', true, pattern);
}

/** A control token of a chat template or tokenizer, which a trainer would take for structure. */
export function specialToken(): Rule {
  return inAnyField(
    'special-token',
    true,
    /<\|[a-z_0-9]{2,40}\|>|<\/?s>|\[\/?INST\]|<<\/?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|<\uFF5C[^<>\n]{2,40}\uFF5C>/iu,
  );
}
