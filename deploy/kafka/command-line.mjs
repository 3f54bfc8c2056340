import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Of the broker that `kafka:up` starts. */
export const defaultFolder = fileURLToPath(new URL('../../.headwater-kafka-broker', import.meta.url));

/** Reads the flags of a command, `dir` among them: the folder of the broker. Ends with 2 where a flag is wrong. */
export function flags(usage, options) {
  try {
    const { values } = parseArgs({ options: { ...options, dir: { type: 'string', default: defaultFolder } } });
    return { ...values, dir: resolve(values.dir) };
  } catch (error) {
    return refuse(`${error.message.split('. ')[0]}. Usage: ${usage}`);
  }
}

/** Says one sentence on standard error and ends with 2. */
export function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
