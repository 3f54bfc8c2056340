import type { ErrorCode } from '../schemas/errors.js';

/** The exit codes that the command line promises. */
export const exitCodes = { done: 0, failed: 1, wrongInput: 2, interrupted: 130 } as const;

/** What a person mends in the recipe, the command or the files it names, before the same command can work. */
const wrongInput: ReadonlySet<ErrorCode> = new Set([
  'recipe-invalid',
  'environment-missing',
  'input-unreadable',
  'data-in-use',
  'data-foreign',
  'data-missing',
  'store-newer',
  'store-unwritable',
  'address-unusable',
  'topic-unknown',
  'topic-misfit',
  'broker-refused',
  'broker-forbidden',
  'model-missing',
  'model-damaged',
  'model-too-large',
  'engine-missing',
  'chat-unsupported',
]);

/** The exit code that an error ends a command with. */
export function exitCodeOf(code: ErrorCode): number {
  return wrongInput.has(code) ? exitCodes.wrongInput : exitCodes.failed;
}
