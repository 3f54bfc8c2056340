import { spawn } from 'node:child_process';

import { javaCommand, log4jFlag } from '../../deploy/kafka/jars.mjs';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Writes lines to a topic with Kafka's own Java producer: one record a line. Rejects where it cannot write. */
export async function consoleProducer(
  jars: string,
  brokers: readonly string[],
  topic: string,
  compression: Compression,
  lines: readonly string[],
): Promise<void> {
  const java = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', log4jFlag, '-cp', jars];
  const tool = ['org.apache.kafka.tools.ConsoleProducer', '--bootstrap-server', brokers.join(',')];
  const asked = ['--topic', topic, '--compression-codec', compression, '--batch-size', '500000', '--timeout', '500'];
  const child = spawn(javaCommand(), [...java, ...tool, ...asked], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  child.stdin.on('error', () => undefined);
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed).once('close', done);
  });
  const trouble = /^.*\b(ERROR|Exception)\b.*$/m.exec(Buffer.concat(said).toString());
  if (code !== 0 || trouble) throw new Error(`the console producer failed: ${trouble?.[0] ?? `exit code ${code}`}`);
}
