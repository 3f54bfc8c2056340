import { setTimeout as delay } from 'node:timers/promises';

import type { Job } from './job.js';
import type { Site } from './site.js';

const credits = [2048, 16_384];
/** Of a document with its message: its bytes, its text as an object's, and the places where both are noted. */
const recordBytes = 4 * 1024;
/** One fetch of 4 MiB in the making, its messages, and the like left over from the last one. */
const fetchBytes = 16 * 2 ** 20;

/** What a task holds at two credits, when its operator keeps all that it takes, beside the bound: credit × record + fetch. */
export async function heldMemory(site: Site): Promise<Readonly<Record<string, number>>> {
  const shares: number[] = [];
  for (const credit of credits) {
    const { mebibytes, inFlight } = await held(site, credit);
    const boundMiB = (credit * recordBytes + fetchBytes) / 2 ** 20;
    const what = `credit ${credit}, ${inFlight} documents inside the operator`;
    console.log(`${what}: ${mebibytes.toFixed(1)} MiB, bound ${boundMiB.toFixed(0)} MiB`);
    shares.push(mebibytes / boundMiB);
  }
  return { heldShareOfBound: Math.max(...shares) };
}

async function held(site: Site, credit: number): Promise<{ readonly mebibytes: number; readonly inFlight: number }> {
  const worker = await site.worker(['--expose-gc']);
  const job: Job = { ...site.job('stage', `held-${credit}`, 'from', 1), credit, stalled: true };
  const ready = worker.wait('holds', ({ partitions }) => partitions === 1);
  worker.order({ type: 'join', job });
  await ready;
  const empty = await worker.ask({ type: 'weigh' }, 'weight');
  worker.order({ type: 'go' });
  let full = empty;
  for (let before = -1; full.inFlight === 0 || full.inFlight !== before; ) {
    before = full.inFlight;
    await delay(300);
    full = await worker.ask({ type: 'weigh' }, 'weight');
  }
  await site.endWorkers();
  return { mebibytes: full.mebibytes - empty.mebibytes, inFlight: full.inFlight };
}
