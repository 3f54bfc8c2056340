/** Where each label stands among the labels, in the order in which labels first come. */
export function placesBy<Label>(labels: readonly Label[]): ReadonlyMap<Label, readonly number[]> {
  const places = new Map<Label, number[]>();
  for (const [place, label] of labels.entries()) {
    const own = places.get(label);
    if (own === undefined) places.set(label, [place]);
    else own.push(place);
  }
  return places;
}
