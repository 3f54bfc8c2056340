import { readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin, type Message, type Producer } from 'kafkajs';

import { recordId } from '../../schemas/ids.js';
import { recordMessage } from '../../streams/record-message.js';

const { ConfigResourceTypes } = kafkajs;
const recordBytes = 1024;
const sendRecords = 750;

/** Writes documents of 1 KiB, JSON and all, spread over the partitions of a topic. */
export async function loadDocuments(producer: Producer, topic: string, partitions: number, records: number) {
  for (let next = 0; next < records; next += sendRecords) {
    const count = Math.min(sendRecords, records - next);
    const partition = (next / sendRecords) % partitions;
    const messages = Array.from({ length: count }, (_, i) => documentMessage(topic, partition, next + i));
    await producer.send({ topic: `bench.${topic}`, messages });
  }
}

function documentMessage(topic: string, partition: number, ordinal: number): Message {
  const of = (text: string) =>
    recordMessage(topic, partition, {
      kind: 'document',
      id: recordId('document', ordinal),
      text,
      origin: { file: 'river.txt', line: ordinal + 1 },
    });
  const frame = of('').value?.byteLength ?? 0;
  const words = `Document ${ordinal} says: the river rises when it rains for a week, and falls when it does not. `;
  const { value, headers = {} } = of(words.repeat(12).slice(0, recordBytes - frame));
  return { partition, key: null, value: Buffer.from(value ?? []), headers: { ...headers } };
}

/** Writes each key of a stage's memory several times over, so that all but the last writing is to be cleaned away. */
export async function loadMemory(producer: Producer, topic: string, keys: number, writings: number): Promise<void> {
  const batch = 4000;
  for (let written = 0; written < keys * writings; written += batch) {
    const messages = Array.from({ length: batch }, (_, i) => {
      const key = `#${(written + i) % keys}`;
      return { partition: 0, key, value: JSON.stringify({ at: written + i, sum: Math.PI, text: 'x'.repeat(60) }) };
    });
    await producer.send({ topic: `bench.${topic}`, messages });
  }
}

/** How long the brokers leave what is written to a compacted topic as it is. */
export async function setCompactionLag(admin: Admin, topic: string, milliseconds: number): Promise<void> {
  const name = `bench.${topic}`;
  const { resources } = await admin.describeConfigs({
    resources: [{ type: ConfigResourceTypes.TOPIC, name }],
    includeSynonyms: false,
  });
  const own = new Map(
    (resources[0]?.configEntries ?? []).flatMap(({ configName, configValue, isDefault }) =>
      isDefault ? [] : [[configName, configValue] as const],
    ),
  );
  own.set('min.compaction.lag.ms', String(milliseconds));
  const configEntries = [...own].map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
  });
}

/** Resolves when the broker has cleaned a partition: when its log is smaller and shrinks no more. Rejects after a minute. */
export async function cleaned(folder: string, before: number): Promise<number> {
  const deadline = Date.now() + 60_000;
  for (let last = before, calm = 0; Date.now() < deadline; ) {
    await delay(500);
    const bytes = logBytes(folder);
    calm = bytes === last && bytes < before ? calm + 1 : 0;
    if (calm === 6) return bytes;
    last = bytes;
  }
  throw new Error(`${folder} was not cleaned within a minute`);
}

/** Of a partition's messages on the disk of its broker. */
export function logBytes(folder: string): number {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .reduce((sum, file) => sum + statSync(`${folder}/${file}`).size, 0);
}
