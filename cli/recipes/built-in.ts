import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A recipe that comes with Headwater. */
export interface BuiltInRecipe {
  readonly name: string;
  readonly about: string;
  /** The folder of its files. */
  readonly dir: string;
  /** The recipe first, then what it reads. */
  readonly files: readonly [recipe: string, ...inputs: string[]];
}

/** The recipes that can be run by name, and copied by `init`. */
export const builtInRecipes: readonly BuiltInRecipe[] = [
  builtIn('emails', 'short e-mails, held against real ones'),
  builtIn('synalign', 'the same e-mails, steered to where texts like the real ones are missing'),
  builtIn('word-problems', 'grade-school math problems with worked answers'),
  builtIn('bare-vs-instruct', 'Base-Refine beside the ways it is compared with, on e-mails'),
  builtIn('bare-vs-instruct-math', 'the same on word problems'),
];

function builtIn(name: string, about: string): BuiltInRecipe {
  const dir = join(packageRoot(), 'cli', 'recipes', name);
  return { name, about, dir, files: [`${name}.yaml`, 'seeds.jsonl'] };
}

/** The recipes are read as they stand in the package, by the compiled program and by the source alike. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
