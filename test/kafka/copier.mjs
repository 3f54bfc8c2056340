// A worker process that copies a topic: `node copier.mjs '{settings, group, input, output, maxRecords}'`, line by line on
// standard output what happens, and `leave` or `close` on standard input.
import { createInterface } from 'node:readline';

import { openKafka } from '../../dist/streams/kafka/open-kafka.js';
import { copyTask } from './copy-task.mjs';

const { settings, group, input, output, maxRecords } = JSON.parse(process.argv[2]);
const tell = (what) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...what })}\n`);

const topics = await openKafka({ ...settings, stateChanged: ({ kind }) => tell({ state: kind }) });
const membership = await topics.join({
  group,
  topics: [input],
  assigned: (task) => {
    tell({ assigned: task.partition, from: task.committed.get(input) });
    task.lost.addEventListener('abort', () => tell({ lost: task.partition }));
    copyTask(task, {
      input,
      output,
      maxRecords,
      committed: (partition, offset, count) => tell({ committed: partition, offset, count }),
      refused: (partition, from) => tell({ refused: partition, from }),
    }).catch((error) => tell({ failed: String(error) }));
  },
  failed: (error) => tell({ failed: String(error) }),
});
tell({ joined: true });

const commands = createInterface(process.stdin);
commands.on('line', async (command) => {
  if (command === 'leave') await membership.leave();
  if (command === 'close') {
    await topics.close();
    commands.close();
    process.stdin.destroy();
  }
  tell({ done: command });
});
