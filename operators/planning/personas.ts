import { hashFloat } from '../kernels/random.js';

/** Ten writers for general use, each the end of a sentence that begins with "You are". */
export const builtInPersonas: readonly string[] = [
  'a primary school teacher who explains things with everyday objects',
  'a retired engineer who is exact about numbers and impatient with vagueness',
  'a nurse on night shifts who writes short, plain sentences',
  'a student who works evenings in a café and jokes about most things',
  'a farmer who thinks in seasons, weather and prices',
  'a journalist at a local paper who asks who, when and why',
  'the owner of a small repair shop who deals with customers all day',
  'a parent of three who is always a little late',
  'a clerk at a city office who knows every rule and exception',
  'a traveller who moved to another country and compares the two',
];

/** Which of `count` things the n-th draw takes: each once in every `count` draws, in an order that only the seed knows. */
export function drawnEvenly(seed: number, name: string, lane: number, n: number, count: number): number {
  const round = Math.floor(n / count);
  const order = Array.from({ length: count }, (_, index) => ({
    index,
    key: hashFloat(seed, name, lane, round, index),
  })).sort((a, b) => a.key - b.key);
  return order[n % count]?.index ?? 0;
}
