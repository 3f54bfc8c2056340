import { expect, it } from 'vitest';

import { foreignTopic, isForeign, TopicNames } from '../../../streams/kafka/topic-names.js';

const names = new TopicNames('pipe');

it('puts the prefix before names of ours, and takes it off again', () => {
  expect(names.onCluster('samples')).toBe('pipe.samples');
  expect(names.ours('pipe.samples')).toBe('samples');
  expect(names.ours('pipe.a.b')).toBe('a.b');
});

it.each(['other.samples', 'pipeline.samples', 'pipe', 'samples'])('does not take %s for ours', (onCluster) => {
  expect(names.ours(onCluster)).toBeUndefined();
});

it('leaves the names of others as they are', () => {
  const name = foreignTopic('pipe.not-ours');
  expect(isForeign(name)).toBe(true);
  expect(isForeign('samples')).toBe(false);
  expect(names.onCluster(name)).toBe('pipe.not-ours');
});
