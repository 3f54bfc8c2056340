import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLog } from '../../../streams/log/open-log.js';
import { topicsContract } from '../topics-contract.js';

topicsContract('the embedded log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-log-'));
  let topics = await openLog({ dir });
  return {
    topics,
    reopen: async () => {
      await topics.close();
      topics = await openLog({ dir });
      return topics;
    },
    close: async () => {
      await topics.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});
