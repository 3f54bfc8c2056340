import avro from 'avsc';
import { beforeAll, describe, expect, it } from 'vitest';

import { PayloadReaders } from '../../../streams/intake/payload-readers.js';
import { SchemaRegistry } from '../../../streams/intake/schema-registry.js';
import { json, type TestRegistry } from './test-registry.js';

const never = new AbortController().signal;

const customer: avro.Schema = {
  type: 'record',
  name: 'Customer',
  namespace: 'shop',
  fields: [{ name: 'name', type: 'string' }],
};
const ticket = {
  type: 'record',
  name: 'Ticket',
  namespace: 'shop',
  fields: [
    { name: 'body', type: ['null', 'string'] },
    { name: 'from', type: 'shop.Customer' },
    { name: 'number', type: 'long' },
  ],
};
/** The same, as a writer without references has it. */
const wholeTicket = { ...ticket, fields: ticket.fields.map((f) => (f.name === 'from' ? { ...f, type: customer } : f)) };

const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const order = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { buyer: { $ref: 'person.json' }, at: { type: 'string', format: 'date-time' } },
};

/** What every schema registry must do for those who read. */
export function describeRegistry(name: string, opened: () => TestRegistry): void {
  describe(`reading schemas from ${name}`, () => {
    const ids = new Map<string, number>();
    const idOf = (subject: string) => ids.get(subject) ?? 0;
    const readers = (type: 'AVRO' | 'JSON') => {
      const registry = new SchemaRegistry({ url: opened().url });
      return new PayloadReaders(type, (id, signal) => registry.schema(id, signal), Date.now);
    };

    beforeAll(async () => {
      const registry = opened();
      const put = async (subject: string, schema: Parameters<TestRegistry['register']>[1]) =>
        ids.set(subject, await registry.register(subject, schema));
      await put('customers/v', { type: 'AVRO', schema: customer });
      await put('tickets', {
        type: 'AVRO',
        schema: ticket,
        references: [{ name: 'shop.Customer', subject: 'customers/v', version: 1 }],
      });
      await put('persons', { type: 'JSON', schema: person });
      await put('orders', {
        type: 'JSON',
        schema: order,
        references: [{ name: 'person.json', subject: 'persons', version: 1 }],
      });
    });

    it('reads Avro with the types that another schema defines', async () => {
      const read = await readers('AVRO').of(idOf('tickets'), never);
      const value = { body: 'It leaks.', from: { name: 'Ada' }, number: 7 };
      const payload = avro.Type.forSchema(wholeTicket as avro.Schema).toBuffer(value);
      expect(JSON.parse(JSON.stringify(read(payload)))).toEqual(value);
    });

    it('reads JSON that fits a schema with references', async () => {
      const read = await readers('JSON').of(idOf('orders'), never);
      const value = { buyer: { name: 'Ada' }, at: '2026-11-22T10:00:00Z' };
      expect(read(json(value))).toEqual(value);
    });

    it('refuses JSON that does not fit a referenced schema, and names the place', async () => {
      const read = await readers('JSON').of(idOf('orders'), never);
      expect(() => read(json({ buyer: { name: 5 } }))).toThrow(/does not fit the schema.*name/);
    });

    it('calls an id that the registry does not have unknown, by its number', async () => {
      const unknown = readers('AVRO').of(987_654, never);
      await expect(unknown).rejects.toMatchObject({
        code: 'schema-unknown',
        message: expect.stringContaining('987654'),
      });
    });

    it('says so when a schema is of another type than the recipe says', async () => {
      const other = readers('AVRO').of(idOf('orders'), never);
      await expect(other).rejects.toMatchObject({ code: 'schema-unknown', message: expect.stringContaining('JSON') });
    });

    it('takes a path that is no registry for a wrong address', async () => {
      const registry = new SchemaRegistry({ url: `${new URL(opened().url).origin}/elsewhere` });
      const refused = registry.schema(1, never);
      await expect(refused).rejects.toMatchObject({ code: 'registry-refused', message: expect.stringMatching(/url/) });
    });
  });
}
