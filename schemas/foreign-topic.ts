import { z } from 'zod';

import { plainUrl, secret } from './secret.js';

/** A place in a decoded value, such as `$.customer.name` or `$.items[0].text`. */
const place = z
  .string()
  .regex(/^\$(?:\.[^\s.[\]'"*?]+|\[\d{1,9}\])+$/, 'expected a path such as $.body, $.customer.name or $.items[0].text');

/** Confluent's schema registry, or one with its interface. */
const registry = z
  .strictObject({ url: plainUrl(), username: z.string().min(1).optional(), password: secret.optional() })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'expected username and password together',
  });

/** A Kafka topic that others write, under its own name, without the prefix of the pipeline. */
export const foreignTopic = z.strictObject({
  topic: z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, "expected a topic's name: up to 249 letters, digits, dots, - or _"),
  /** Where each field of a record is in their values. */
  map: z.record(z.string().min(1), place).refine((map) => Object.keys(map).length > 0, 'expected FIELD: $.path'),
  format: z.enum(['json', 'avro', 'json-schema']).default('json'),
  registry: registry.optional(),
  /** Where the first run begins. */
  from: z.enum(['earliest', 'latest']).default('earliest'),
});
