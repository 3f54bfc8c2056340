import { z } from 'zod';

/** An arm's name, which is also that of its folders. */
const armName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'expected up to 31 lower-case letters, digits and -');

/** What an arm changes in the recipe; nothing, where it is the recipe as it stands. */
const changes = z
  .record(z.string(), z.unknown())
  .nullable()
  .transform((given) => given ?? {});

/** Pipelines that differ from one recipe in a few values, to be run one after the other and compared. */
export const arms = z
  .record(armName, changes)
  .refine((given) => Object.keys(given).length > 0, { message: 'expected at least one arm' });

export type Arms = Readonly<z.infer<typeof arms>>;
