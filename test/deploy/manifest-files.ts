import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Document, parseAllDocuments } from 'yaml';

import type { Manifest } from '../../deploy/check/worker-rules.mjs';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const kubernetes = join(repository, 'deploy', 'kubernetes');

/** The documents of a file below deploy/kubernetes; a file that is no YAML fails here. */
export function documentsOf(file: string): readonly Document[] {
  const documents = parseAllDocuments(readFileSync(join(kubernetes, file), 'utf8'));
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return [document];
  });
}

/** The resources of a folder, without what tells kustomize how to build it. */
export function resourcesOf(folder: string): readonly Document[] {
  return filesOf(folder)
    .filter((file) => file !== 'kustomization.yaml' && file !== 'recipe.yaml')
    .flatMap((file) => documentsOf(join(folder, file)));
}

/** The YAML files of a folder, by name. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(join(kubernetes, folder)).filter((file) => file.endsWith('.yaml'));
}

export function manifest(document: Document): Manifest {
  return document.toJS() as Manifest;
}

/** The same document with one place changed. */
export function changed(document: Document, path: readonly (string | number)[], value: unknown): Document {
  const copy = document.clone();
  if (value === undefined) copy.deleteIn(path);
  else copy.setIn(path, copy.createNode(value));
  return copy;
}
