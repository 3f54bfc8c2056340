import { findPhoneNumbersInText } from 'libphonenumber-js/min';
import validator from 'validator';

import { evidence, type Rule } from './rule.js';

/** What can be looked for. */
export const personalDataKinds = ['email', 'phone', 'card', 'iban', 'ip'] as const;
export type PersonalData = (typeof personalDataKinds)[number];

/** Finds something of its kind in a text: a cheap pattern proposes, a library decides. */
type Finder = (text: string) => string | undefined;

const finders: Readonly<Record<PersonalData, Finder>> = {
  email: among(/[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\p{L}\p{N}.-]{1,255}[\p{L}\p{N}]/gu, (found) =>
    validator.isEmail(found),
  ),
  card: among(/(?<![\d.,])\d(?:[ -]?\d){11,18}(?![\d.,]*\d)/gu, (found) => validator.isCreditCard(found)),
  iban: among(/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/gu, (found) => validator.isIBAN(found)),
  ip: among(
    /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)|(?<![\w:])(?:[\da-f]{0,4}:){2,7}[\da-f]{0,4}(?![\w:])/giu,
    (found) => found.length > 5 && validator.isIP(found),
  ),
  phone,
};

/**
 * A field has personal data of one of the kinds: `email`, `phone` (with its country code, or as the United States write them), `card`
 * (with a right check digit), `iban` (likewise), `ip`. The evidence shows the first and the last character of it at most.
 *
 * The library validator decides on what a pattern proposes, libphonenumber-js on telephone numbers. Names and street addresses are
 * not found, nor is anything that is written out in words.
 */
export function personalData(kinds: readonly PersonalData[]): Rule {
  return {
    reason: 'personal-data',
    form: false,
    broken: (fields) => {
      for (const kind of kinds) {
        const found = evidence(fields, finders[kind], (value) => `${names[kind]} ${masked(value)}`);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

const names: Readonly<Record<PersonalData, string>> = {
  email: 'an e-mail address',
  phone: 'a telephone number',
  card: 'a card number',
  iban: 'an account number',
  ip: 'an IP address',
};

function among(pattern: RegExp, isOne: (found: string) => boolean): Finder {
  return (text) => {
    for (const [found] of text.matchAll(pattern)) if (isOne(found)) return found;
    return undefined;
  };
}

/** What may hold a number: the library reads no more than these pieces, since it takes 1 ms for 1,000 characters of digits. */
const digits = /[+(]?\d(?:[\d\s().\-/]{5,24})\d/gu;
const maxPieces = 100;

function phone(text: string): string | undefined {
  let pieces = 0;
  for (const [piece] of text.matchAll(digits)) {
    if (piece.replace(/\D/g, '').length < 9) continue;
    const [found] = findPhoneNumbersInText(piece, piece.startsWith('+') ? undefined : 'US');
    // a bare row of digits is a number of something else
    if (found !== undefined && /[+() .-]/.test(piece.trim())) return piece.slice(found.startsAt, found.endsAt);
    pieces += 1;
    if (pieces === maxPieces) return undefined;
  }
  return undefined;
}

function masked(value: string): string {
  const characters = [...value.trim()];
  return `${characters[0]}…${characters.at(-1)} (${characters.length} characters)`;
}
