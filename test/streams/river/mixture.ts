import { hashFloat } from '../../../operators/kernels/random.js';
import type { Asked, FakeAnswer } from '../../fake-endpoint/fake-endpoint.mjs';

/** Themes that texts are about: each has words of its own, so that an embedder that hashes words sees as many clusters. */
export const themes = ['garden', 'harbour', 'engine', 'concert'] as const;
export type Theme = (typeof themes)[number];

const wordsOfTheme = 24;
const wordsOfText = 14;
const endOfExample = 'EXAMPLE END';

/** A text about a theme: another one for each key. */
export function textAbout(theme: Theme, key: string): string {
  const words = Array.from({ length: wordsOfText }, (_, place) => {
    const number = Math.floor(hashFloat(1, 'word', theme, key, place) * wordsOfTheme);
    return `${theme}${number}`;
  });
  return `The note ${key.slice(0, 12)} says ${words.join(' ')} and ends.`;
}

/** What most words of a text are about; undefined where none is of a theme. */
export function themeOf(text: string): Theme | undefined {
  const counts = themes.map((theme) => text.split(theme).length - 1);
  const most = Math.max(...counts);
  return most === 0 ? undefined : themes[counts.indexOf(most)];
}

/** A theme of a mixture: by its shares, which add up to 1, at a place in [0, 1). */
export function drawTheme(shares: readonly number[], at: number): Theme {
  let left = at;
  for (const [index, share] of shares.entries()) {
    left -= share;
    const theme = themes[index];
    if (left < 0 && theme !== undefined) return theme;
  }
  return themes[0];
}

export interface WriterOptions {
  /** The mixture that the writer falls into by itself, by theme. */
  readonly own: readonly number[];
  /** How often it does so, whatever it is shown. */
  readonly stubborn: number;
}

/**
 * A base model that names the theme of the texts that it is asked about, or falls into a mixture of its own, and writes about the theme that it is told.
 */
export function biasedReasoner({ own, stubborn }: WriterOptions): (asked: Asked, hash: string) => FakeAnswer {
  return ({ prompt = '' }, hash) => {
    const isQuestion = prompt.includes('TEXT END');
    const told = themeOf(prompt.slice(prompt.lastIndexOf(isQuestion ? 'TEXT START' : 'Topic:')));
    const falls = isQuestion && hashFloat(2, hash) < stubborn;
    const theme = told === undefined || falls ? drawTheme(own, hashFloat(3, hash)) : told;
    return { text: isQuestion ? ` ${theme}` : ` ${textAbout(theme, hash)}\n${endOfExample}\n` };
  };
}

/** A base model that writes about the theme of its last example, or falls into a mixture of its own. */
export function biasedWriter({ own, stubborn }: WriterOptions): (asked: Asked, hash: string) => FakeAnswer {
  return ({ prompt = '' }, hash) => {
    const examples = prompt.split(endOfExample).slice(0, -1);
    const shown = themeOf(examples.at(0) ?? '');
    const at = hashFloat(2, hash);
    const theme = shown === undefined || at < stubborn ? drawTheme(own, hashFloat(3, hash)) : shown;
    return { text: ` ${textAbout(theme, hash)}\n${endOfExample}\n` };
  };
}
