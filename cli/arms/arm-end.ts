import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import type { Recipe } from '../../schemas/recipe.js';
import { recipeIdentity } from '../recipe/recipe-identity.js';

/** Why an arm ended before its target, so that another run need not find out again. */
const endSchema = z.object({ code: z.literal('nothing-accepted'), message: z.string(), recipe: z.unknown() });

export type BarrenEnd = Readonly<Pick<z.infer<typeof endSchema>, 'code' | 'message'>>;

const fileName = 'arm-end.json';

/** Keeps in an arm's data folder that very many of its plans ended without a sample. */
export async function keepEnd(dataDir: string, end: BarrenEnd, recipe: Recipe): Promise<void> {
  const file = join(dataDir, fileName);
  await writeFile(`${file}.new`, `${JSON.stringify({ ...end, recipe: recipeIdentity(recipe) }, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** How the arm of the same recipe ended before; undefined where it did not, or by another recipe. */
export async function keptEnd(dataDir: string, recipe: Recipe): Promise<BarrenEnd | undefined> {
  const text = await readFile(join(dataDir, fileName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const end = endSchema.safeParse(jsonOf(text)).data;
  return isDeepStrictEqual(end?.recipe, recipeIdentity(recipe)) ? end : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
