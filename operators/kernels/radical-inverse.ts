/**
 * The van der Corput sequence in base 2: 0, 1/2, 1/4, 3/4, 1/8, ...
 *
 * Any run of n numbers lands in each part of [0, 1) about as often as its length says, with an error of order log(n)/n.
 * `index` is a safe integer from 0.
 */
export function radicalInverse(index: number): number {
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new TypeError(`index: expected a safe integer from 0, got ${index}`);
  }
  let rest = index;
  let result = 0;
  for (let digit = 0.5; rest > 0; digit /= 2) {
    if (rest % 2 === 1) result += digit;
    rest = Math.floor(rest / 2);
  }
  return result;
}
