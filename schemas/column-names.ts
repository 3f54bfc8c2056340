/** The columns that every shard has, beside one for each field of the domain. */
export const fixedColumns = ['id', 'label', 'weight', 'embedding', 'lineage', 'created_at'] as const;

/**
 * The fields of a domain that cannot all be columns of one shard, and what each is called like: a fixed column, or a field
 * before it. Case does not tell two columns apart in most query engines.
 */
export function columnClashes(fields: Iterable<string>): readonly { readonly field: string; readonly like: string }[] {
  const taken = new Map<string, string>(
    fixedColumns.map((name) => [name, `the column '${name}' that every shard has`]),
  );
  const clashes: { readonly field: string; readonly like: string }[] = [];
  for (const field of fields) {
    const like = taken.get(field.toLowerCase());
    if (like === undefined) taken.set(field.toLowerCase(), `the field '${field}'`);
    else clashes.push({ field, like });
  }
  return clashes;
}
