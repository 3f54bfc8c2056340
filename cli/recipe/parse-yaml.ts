import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

import { HeadwaterError } from '../../schemas/errors.js';

/** A recipe file as plain values, with the lines that they stand on. */
export interface ParsedYaml {
  readonly value: unknown;
  readonly warnings: readonly string[];
  /** The line of a path, or of the nearest thing above it that exists; from 1. */
  lineOf(path: readonly string[]): number;
}

const maxCharacters = 2 ** 20;
/** Nodes that aliases may add up to: enough for people, too few for a bomb. */
const maxAliasCount = 100;

/** Reads YAML. Throws `recipe-invalid` with the name and line of the first mistake, such as a key that is there twice. */
export function parseYaml(source: string, name: string): ParsedYaml {
  if (source.length > maxCharacters) throw invalid(`${name}: longer than 1 MiB: a recipe is a short file`);
  const lines = new LineCounter();
  const document = parsed(source, name, lines);
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`${name}:${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`);
  const warnings = document.warnings.map((warning) => {
    return `${name}:${lines.linePos(warning.pos[0]).line}: ${firstLine(warning.message)}`;
  });
  return { value: plain(document, name), warnings, lineOf: (path) => lineOf(document, lines, path) };
}

function parsed(source: string, name: string, lineCounter: LineCounter): Document {
  try {
    return parseDocument(source, { lineCounter, prettyErrors: false, logLevel: 'silent' });
  } catch (cause) {
    // Thousands of nested brackets exhaust the stack.
    throw invalid(`${name}: cannot be parsed: it is nested too deeply`, cause);
  }
}

function plain(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount });
  } catch (cause) {
    const why = cause instanceof Error ? firstLine(cause.message) : String(cause);
    throw invalid(`${name}: cannot be read: ${why}`, cause);
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly string[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = rangeStart(node) ?? offset;
    } else {
      break;
    }
  }
  return lines.linePos(offset).line;
}

function rangeStart(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('recipe-invalid', message, { cause });
}
