import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

import { kafkaVersion } from '../../deploy/kafka/jars.mjs';
import { brokerSettings, propertiesText } from '../../deploy/kafka/settings.mjs';

const listeners = [{ name: 'PLAINTEXT', port: 9092 }];
const settings = brokerSettings({ dir: '/data', listeners, controllerPort: 9093 });

const compose = z.strictObject({
  name: z.string(),
  services: z.strictObject({
    kafka: z.strictObject({
      image: z.string(),
      ports: z.array(z.string()),
      volumes: z.array(z.string()),
      stop_grace_period: z.string(),
      healthcheck: z.looseObject({ test: z.array(z.string()) }),
      // Compose refuses a bare true or false here.
      environment: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
  }),
  volumes: z.record(z.string(), z.null()),
});

it('has the same settings, version and address in compose.yaml as in the script', () => {
  const { services, volumes } = compose.parse(parse(readFileSync('deploy/kafka/compose.yaml', 'utf8')));
  const { image, ports, environment, volumes: mounts } = services.kafka;
  expect(image).toBe(`apache/kafka:${kafkaVersion}`);
  expect(ports).toEqual(['127.0.0.1:9092:9092']);
  expect(mounts.map((mount) => mount.split(':')[0])).toEqual(Object.keys(volumes));

  const { KAFKA_HEAP_OPTS, ...properties } = environment;
  const inContainer = {
    listeners: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093',
    'log.dirs': '/var/lib/kafka/data',
  };
  expect(KAFKA_HEAP_OPTS).toContain('-Xmx512m');
  expect(textOf(propertiesOf(properties))).toEqual(textOf({ ...settings, ...inContainer }));
});

it('lays given properties over its own', () => {
  const options = {
    dir: '/data',
    listeners,
    controllerPort: 9093,
    properties: { 'message.max.bytes': 9, 'num.io.threads': 1 },
  };
  expect(brokerSettings(options)).toMatchObject({ 'message.max.bytes': 9, 'num.io.threads': 1, 'node.id': 1 });
});

it('keeps values of several lines and back-slashes in one line', () => {
  expect(propertiesText({ a: 'x\ny\\z\r\n', b: false })).toBe('a=x\\ny\\\\z\\n\nb=false\n');
});

/** The image's rule for its environment: `KAFKA_A_B` is the property `a.b`. */
function propertiesOf(environment: Record<string, string | number>): Record<string, string | number> {
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name
        .replace(/^KAFKA_/, '')
        .toLowerCase()
        .replaceAll('_', '.'),
      value,
    ]),
  );
}

function textOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}
