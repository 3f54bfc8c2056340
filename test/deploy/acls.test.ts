import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';
import { z } from 'zod';

import { repository } from './manifest-files.js';

const acls = z.array(
  z.strictObject({
    user: z.enum(['worker', 'scaler']),
    resource: z.enum(['topic', 'group', 'transactional-id']),
    pattern: z.enum(['prefixed', 'literal']),
    name: z.enum(['{prefix}.', '{foreign}']),
    operations: z.array(z.enum(['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write'])).min(1),
    why: z.string().min(1),
  }),
);

const folder = join(repository, 'deploy', 'kafka');
const listed = acls.parse(JSON.parse(readFileSync(join(folder, 'acls.json'), 'utf8')));
const text = readFileSync(join(folder, 'acls.md'), 'utf8');
const users = { worker: 'headwater', scaler: 'headwater-scaler' };

test.each(listed)('acls.md has the row and the command of $user on $resource, $pattern', (acl) => {
  const { user, resource, pattern, name, operations, why } = acl;
  const shown = name.replace('{prefix}', 'PREFIX').replace('{foreign}', 'FOREIGN');
  expect(text).toContain(`| ${user} | ${resource} | ${pattern} \`${shown}\` | ${operations.join(', ')} | ${why} |`);
  const named = name.replace('{prefix}', 'headwater').replace('{foreign}', 'tickets');
  const flags = operations.map((operation) => `--operation ${operation}`).join(' ');
  const resources = `--resource-pattern-type ${pattern} --${resource} ${named}`;
  expect(text).toContain(`acls --allow-principal User:${users[user]} ${resources} \\\n  ${flags}\n`);
});

test('acls.md has nothing beside them', () => {
  expect(text.match(/^acls --allow/gm)).toHaveLength(listed.length);
  expect(text.match(/^\| (worker|scaler) \|/gm)).toHaveLength(listed.length);
});

test('who scales may look, and nothing else', () => {
  const operations = listed.filter(({ user }) => user === 'scaler').flatMap((acl) => acl.operations);
  expect(new Set(operations)).toEqual(new Set(['Describe']));
});
