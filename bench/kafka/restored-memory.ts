import { stateTopic } from '../../streams/stage/stage.js';
import { median } from '../report.js';
import { cleaned, loadMemory, logBytes, setCompactionLag } from './contents.js';
import type { Site } from './site.js';

const stage = 'remember';
const keys = 100_000;
const writings = 4;

/** How soon a stage's memory is back, before its topic is compacted and after. */
export async function restoredMemory(site: Site): Promise<Readonly<Record<string, number>>> {
  const topic = stateTopic(stage);
  await site.topics.ensure([{ name: topic, partitions: 1, cleanup: 'compact' }]);
  const admin = site.client.admin();
  await admin.connect();
  await setCompactionLag(admin, topic, 3_600_000);
  await loadMemory(site.producer, topic, keys, writings);
  const folder = site.folderOf(topic, 0);
  const bytes = logBytes(folder);
  const before = await restored(site);
  await setCompactionLag(admin, topic, 0);
  await admin.disconnect();
  const left = await cleaned(folder, bytes);
  const after = await restored(site);
  print(`${keys} keys, written ${writings} times`, bytes, before);
  print('the same, compacted', left, after);
  return { restoreMs: median(after) };
}

async function restored(site: Site): Promise<readonly number[]> {
  const worker = await site.worker();
  const times: number[] = [];
  for (let round = 0; round < site.options.rounds; round++) {
    times.push((await worker.ask({ type: 'restore', stage }, 'restored')).milliseconds);
  }
  await site.endWorkers();
  return times;
}

function print(what: string, bytes: number, times: readonly number[]): void {
  const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `memory of ${what}: ${size}, back in ${median(times).toFixed(0)} ms (most ${Math.max(...times).toFixed(0)})`,
  );
}
