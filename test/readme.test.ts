import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { startFakeEndpoint } from './fake-endpoint/fake-endpoint.mjs';

const marker = '<!-- This example is run by test/readme.test.ts. -->\n```js\n';

describe('README', () => {
  it('has an example of one operator alone that runs as it stands', async () => {
    const readme = await readFile('README.md', 'utf8');
    const [, after = ''] = readme.split(marker);
    const [code = ''] = after.split('\n```');
    // In the package's own folder, where `headwater/operators` is this very package.
    const file = `test/readme-example-${process.pid}.mjs`;
    const endpoint = await startFakeEndpoint();
    try {
      await writeFile(file, code);
      const { stdout } = await promisify(execFile)(process.execPath, [file], {
        env: { ...process.env, BASE_URL: endpoint.url },
      });
      expect(stdout.match(/riddle: /g)).toHaveLength(20);
    } finally {
      await rm(file, { force: true });
      await endpoint.close();
    }
  });
});
