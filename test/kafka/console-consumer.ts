import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { javaCommand, log4jFlag } from '../../deploy/kafka/jars.mjs';

export interface ConsoleConsumerOptions {
  readonly topic: string;
  /** @default read_committed */
  readonly isolationLevel?: 'read_committed' | 'read_uncommitted';
  /** What of each record is printed, parts joined by a tab, in Kafka's order. @default value */
  readonly print?: readonly ('partition' | 'offset' | 'key' | 'value')[];
  /** Only this partition. */
  readonly partition?: number;
  /** Ends after so many. @default all */
  readonly maxMessages?: number;
  /** Ends after this time without a record. @default 5000 */
  readonly idleMs?: number;
}

const run = promisify(execFile);
/** JSON never holds it raw, so one piece is one record. */
const recordSeparator = '\u001e';

/** Reads a topic from its beginning with Kafka's own Java consumer: one string a record. Rejects where it cannot read. */
export async function consoleConsumer(
  jars: string,
  brokers: readonly string[],
  options: ConsoleConsumerOptions,
): Promise<string[]> {
  const java = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', log4jFlag, '-cp', jars];
  const tool = ['org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', brokers.join(',')];
  const { stdout, stderr } = await run(javaCommand(), [...java, ...tool, ...toolArguments(options)], {
    maxBuffer: 2 ** 30,
    timeout: 300_000,
  });
  const records = stdout.split(recordSeparator).slice(0, -1);
  const trouble = /^.*(UNKNOWN_TOPIC|could not be established|ERROR(?!.*\n.*TimeoutException)).*$/m.exec(stderr);
  if (records.length === 0 && trouble) throw new Error(`the console consumer read nothing: ${trouble[0]}`);
  return records;
}

function toolArguments(options: ConsoleConsumerOptions): string[] {
  const {
    topic,
    isolationLevel = 'read_committed',
    print = ['value'],
    partition,
    maxMessages,
    idleMs = 5000,
  } = options;
  const shown = (['partition', 'offset', 'key', 'value'] as const).map(
    (part) => `print.${part}=${print.includes(part)}`,
  );
  const formatting = [`line.separator=${recordSeparator}`, ...shown].flatMap((setting) => ['--property', setting]);
  const place =
    partition === undefined ? ['--from-beginning'] : ['--partition', String(partition), '--offset', 'earliest'];
  const limit = maxMessages === undefined ? [] : ['--max-messages', String(maxMessages)];
  const ends = ['--timeout-ms', String(idleMs), ...limit];
  return ['--topic', topic, '--isolation-level', isolationLevel, ...formatting, ...place, ...ends];
}
