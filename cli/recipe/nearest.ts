/** The known name that an unknown one was probably meant to be; null where none is near. */
export function nearest(unknown: string, known: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(unknown.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const name of known) {
    const distance = editDistance(unknown.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `, did you mean 'x'?` or, where nothing is near, `: expected a, b or c`. */
export function suggestion(unknown: string, known: readonly string[]): string {
  const near = nearest(unknown, known);
  if (near !== null) return `, did you mean '${near}'?`;
  return known.length === 0 ? '' : `: expected ${alternatives(known)}`;
}

/** `a, b or c`. */
export function alternatives(names: readonly string[]): string {
  const [last, ...others] = [...names].reverse();
  if (last === undefined) return 'nothing';
  return others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two short texts. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(substitution, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [before, above] = [above, row];
  }
  return above[b.length] ?? 0;
}
