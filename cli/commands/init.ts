import { constants } from 'node:fs';
import { access, copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Io } from '../io.js';
import { suggestion } from '../recipe/nearest.js';
import { type BuiltInRecipe, builtInRecipes } from '../recipes/built-in.js';

export interface InitOptions {
  /** A built-in recipe. @default emails */
  readonly recipe?: string;
  /** Where its files go. @default the working folder */
  readonly dir?: string;
}

/**
 * `headwater init`: copies a built-in recipe and its seeds, to be changed. Nothing is overwritten: where one of the files
 * exists, it throws `store-unwritable`, and none is written. Resolves with the exit code.
 */
export async function init({ recipe: name = 'emails', dir = process.cwd() }: InitOptions, io: Io): Promise<number> {
  const recipe = builtInRecipes.find((known) => known.name === name);
  if (recipe === undefined) {
    const hint = suggestion(
      name,
      builtInRecipes.map((known) => known.name),
    );
    throw new HeadwaterError('recipe-invalid', `there is no built-in recipe '${name}'${hint}`);
  }
  await write(recipe, dir);
  if (io.json) io.out(`${JSON.stringify({ recipe: name, dir, files: recipe.files }, null, 2)}\n`);
  else io.out(nextSteps(recipe));
  return 0;
}

async function write({ dir: from, files }: BuiltInRecipe, dir: string): Promise<void> {
  for (const file of files) {
    const exists = await access(join(dir, file)).then(
      () => true,
      () => false,
    );
    if (exists) throw taken(dir, file);
  }
  const written: string[] = [];
  try {
    for (const file of files) {
      // Fails where somebody else made the file in the meantime.
      await copyFile(join(from, file), join(dir, file), constants.COPYFILE_EXCL);
      written.push(file);
    }
  } catch (cause) {
    await Promise.all(written.map((file) => rm(join(dir, file), { force: true })));
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'EEXIST') throw taken(dir, 'a file of the recipe');
    throw new HeadwaterError('store-unwritable', `${dir} cannot be written (${code}): choose another folder`, {
      cause,
    });
  }
}

function taken(dir: string, file: string): HeadwaterError {
  const message = `${file} exists in ${dir} and is not overwritten: choose an empty folder, or move it away`;
  return new HeadwaterError('store-unwritable', message);
}

function nextSteps({ about, files }: BuiltInRecipe): string {
  const [recipe, ...inputs] = files;
  return [
    `Wrote ${[recipe, ...inputs].join(' and ')}: ${about}.`,
    '',
    'Next:',
    `  1. Put your own examples into ${inputs.join(', ')}, and describe them in ${recipe}.`,
    `  2. headwater check ${recipe}    shows what it would do, and what is wrong`,
    `  3. headwater run ${recipe}      writes samples`,
    '',
  ].join('\n');
}
