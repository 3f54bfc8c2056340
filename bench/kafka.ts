import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

import { fourPartitions } from './kafka/four-partitions.js';
import { heldMemory } from './kafka/held-memory.js';
import { onePartition } from './kafka/one-partition.js';
import { restoredMemory } from './kafka/restored-memory.js';
import { Site } from './kafka/site.js';
import { printMachine, verdict } from './report.js';
import thresholds from './thresholds/kafka.json' with { type: 'json' };

/**
 * What exactly once costs on Kafka: documents of 1 KiB are copied from topic to topic by a stage, and by plain kafkajs transactions
 * with as many records in each. Then: four partitions, two workers, what a worker holds, and how soon a memory of 100,000 keys is back.
 *
 * `npm run bench -- kafka [--records N] [--rounds N] [--dir FOLDER] [--flags=NODE-FLAGS]`. Starts a broker of its own, which needs
 * Java. Each rival runs in a process of its own, so the broker's processor time is not in the figures, though it has the same cores.
 * Every round reads the same topic from its start; the first one warms up. Exits with 1 where a bound of
 * `bench/thresholds/kafka.json` is missed.
 */

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '5' },
    credit: { type: 'string', default: '2048' },
    dir: { type: 'string', default: tmpdir() },
    flags: { type: 'string', default: '' },
  },
});
const site = await Site.open({
  dir: options.dir,
  records: Number(options.records),
  rounds: Number(options.rounds),
  credit: Number(options.credit),
  flags: options.flags.split(' ').filter((flag) => flag !== ''),
});
try {
  printMachine(['kafkajs', 'rxjs', 'zod']);
  console.log(
    `Apache Kafka 4.1.0 on the same cores; credit ${options.credit}, ${options.rounds} rounds of ${options.records} records`,
  );
  verdict(thresholds, {
    ...(await onePartition(site)),
    ...(await fourPartitions(site)),
    ...(await heldMemory(site)),
    ...(await restoredMemory(site)),
  });
} finally {
  await site.close();
}
