import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import { type Recipe, recipe as recipeSchema } from '../../schemas/recipe.js';
import { builtInRecipes } from '../recipes/built-in.js';
import { armNamed, namedAs, withoutArms } from './arms.js';
import { crossChecks, crossWarnings } from './cross-checks.js';
import { missingVariables, type NeededSecrets } from './environment-check.js';
import { explainIssues } from './explain-issues.js';
import { get } from './known-keys.js';
import { suggestion } from './nearest.js';
import { type ParsedYaml, parseYaml } from './parse-yaml.js';
import type { Problem } from './problem.js';
import { parseSet, type SetValue, setBy, withValue } from './set-values.js';

/** What the command line puts in place of what the recipe says. */
export interface RecipeOverrides {
  /** `path=value`, the value being YAML; later ones win. */
  readonly set: readonly string[];
  /** Accepted samples in place of the target. */
  readonly samples?: number;
  /** The folder for shards. */
  readonly out?: string;
  /** Of a recipe with arms: the one whose changes come before those of the command line. */
  readonly arm?: string;
}

export interface LoadRecipeOptions extends RecipeOverrides {
  /** Whose environment variables must be set. @default all */
  readonly secrets?: NeededSecrets;
}

export interface LoadedRecipe {
  readonly recipe: Recipe;
  /** The recipe file. */
  readonly file: string;
  /** The folder that its inputs are relative to. */
  readonly dir: string;
  /** Sentences about what is allowed and perhaps not meant. */
  readonly warnings: readonly string[];
}

/** Problems that one message names. */
const maxProblems = 5;

/**
 * Reads a recipe: a built-in one by its name, or a file. Throws `HeadwaterError` with code `recipe-invalid`, naming file, line
 * and path of up to five problems; or `environment-missing`, where a variable that the recipe
 * names for a needed secret is not set.
 */
export async function loadRecipe(
  nameOrFile: string,
  options: LoadRecipeOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<LoadedRecipe> {
  const { file, shown, source } = await locate(nameOrFile);
  const yaml = parseYaml(source, shown);
  const { recipe: plain, arms } = withoutArms(yaml, shown);
  const changes = options.arm === undefined ? [] : armNamed(options.arm, arms, shown).sets;
  const sets = [...changes, ...setsOf(options, withSets(plain, changes))];
  const changed = withSets(plain, sets);
  const input = options.arm === undefined ? changed : namedAs(options.arm, changed);
  const say = (problem: Problem) => sentence(problem, shown, yaml, sets);

  const refuse = (problems: readonly Problem[]) => {
    return new HeadwaterError('recipe-invalid', listed(problems.map(say)));
  };
  const result = recipeSchema.safeParse(input);
  if (!result.success) throw refuse(explainIssues(result.error.issues, input));
  const recipe = result.data;
  const problems = crossChecks(recipe);
  if (problems.length > 0) throw refuse(problems);
  const [missing] = missingVariables(recipe, options.secrets ?? 'all', env);
  if (missing !== undefined) throw new HeadwaterError('environment-missing', say(missing));
  return { recipe, file, dir: dirname(file), warnings: [...yaml.warnings, ...crossWarnings(recipe).map(say)] };
}

/** The names of a recipe's arms, in their order; none of an ordinary recipe. Throws `recipe-invalid`. */
export async function armsOf(nameOrFile: string): Promise<readonly string[]> {
  const { shown, source } = await locate(nameOrFile);
  return withoutArms(parseYaml(source, shown), shown).arms.map(({ name }) => name);
}

interface Located {
  readonly file: string;
  /** How messages call it: as the user did. */
  readonly shown: string;
  readonly source: string;
}

/** A file wins over a built-in recipe of the same name. */
async function locate(nameOrFile: string): Promise<Located> {
  const file = resolve(nameOrFile);
  const source = await readText(file, nameOrFile);
  if (source !== null) return { file, shown: nameOrFile, source };
  const builtIn = builtInRecipes.find(({ name }) => name === nameOrFile || nameOrFile === `recipes/${name}.yaml`);
  if (builtIn !== undefined) {
    const path = join(builtIn.dir, builtIn.files[0]);
    const text = await readText(path, path);
    if (text !== null) return { file: path, shown: builtIn.files[0], source: text };
  }
  throw new HeadwaterError('recipe-invalid', notFound(nameOrFile));
}

function notFound(nameOrFile: string): string {
  const isPath = extname(nameOrFile) !== '' || basename(nameOrFile) !== nameOrFile;
  if (isPath) return `the recipe ${nameOrFile} does not exist: check its path, or write one with 'headwater init'`;
  const hint = suggestion(
    nameOrFile,
    builtInRecipes.map(({ name }) => name),
  );
  return `'${nameOrFile}' is neither a file nor a built-in recipe${hint}`;
}

/** `null` where there is no such file. */
async function readText(file: string, shown: string): Promise<string | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const why = code === 'EISDIR' ? 'it is a folder: name the file in it' : `it cannot be read (${String(code)})`;
    throw new HeadwaterError('recipe-invalid', `${shown}: ${why}`, { cause });
  }
  if (bytes.includes(0)) throw new HeadwaterError('recipe-invalid', `${shown}: it is a binary file: expected YAML`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeadwaterError('recipe-invalid', `${shown}: it is not UTF-8 text: save it as UTF-8`, { cause });
  }
}

function withSets(recipe: unknown, sets: readonly SetValue[]): unknown {
  return sets.reduce<unknown>((value, set) => withValue(value, set), recipe ?? {});
}

function setsOf({ set, samples, out }: RecipeOverrides, recipe: unknown): readonly SetValue[] {
  const sets = set.map(parseSet);
  if (samples !== undefined) {
    // The number of samples says nothing about what they may cost.
    const budget = ['target', 'budget'].reduce<unknown>(get, withSets(recipe, sets));
    const value = { samples, ...(budget === undefined ? {} : { budget }) };
    sets.push({ path: ['target'], value, shown: `--samples ${samples}` });
  }
  if (out !== undefined) sets.push({ path: ['shards', 'dir'], value: out, shown: `--out ${out}` });
  return sets;
}

/** `emails.yaml:12: models.base.temperature: expected number, received string`. */
function sentence({ path, text }: Problem, shown: string, yaml: ParsedYaml, sets: readonly SetValue[]): string {
  const set = setBy(path, sets);
  const where = set === undefined ? `${shown}:${yaml.lineOf(path)}` : set.shown;
  return path.length === 0 ? `${where}: the recipe: ${text}` : `${where}: ${path.join('.')}: ${text}`;
}

function listed(sentences: readonly string[]): string {
  const more = sentences.length - maxProblems;
  return [...sentences.slice(0, maxProblems), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
