import { describe, expect, it } from 'vitest';

import { HeadwaterError } from '../../../schemas/errors.js';
import { faultOf } from '../../../streams/kafka/kafka-error.js';

const settings = { brokers: ['broker:9092'] };

/** As kafkajs builds them: plain errors with a type, wrapped in others. */
function typed(type: string, message = 'Some text', name = 'KafkaJSProtocolError'): Error {
  return Object.assign(new Error(message), { type, name });
}

function wrapped(cause: Error, name = 'KafkaJSNumberOfRetriesExceeded'): Error {
  return Object.assign(new Error(cause.message, { cause }), { name });
}

describe('faultOf', () => {
  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', 'broker-forbidden'],
    ['GROUP_AUTHORIZATION_FAILED', 'broker-forbidden'],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'broker-forbidden'],
    ['MESSAGE_TOO_LARGE', 'record-too-large'],
    ['INVALID_SESSION_TIMEOUT', 'broker-refused'],
    ['INVALID_REPLICATION_FACTOR', 'broker-failed'],
    ['INCONSISTENT_GROUP_PROTOCOL', 'broker-failed'],
  ])('takes %s for something that a person must mend, however deep it lies', (type, code) => {
    const several = Object.assign(new Error('Topic creation errors'), { errors: [typed('NONE'), typed(type)] });
    for (const error of [typed(type), wrapped(typed(type)), wrapped(wrapped(typed(type))), several, wrapped(several)]) {
      expect(faultOf(error, settings)).toMatchObject({ kind: 'lasting', error: { code } });
    }
  });

  it.each([
    'INVALID_PRODUCER_EPOCH',
    'INVALID_TXN_STATE',
    'INVALID_PRODUCER_ID_MAPPING',
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
  ])('takes %s for a fence', (type) => {
    expect(faultOf(wrapped(typed(type)), settings)).toEqual({ kind: 'fenced', reason: 'Some text' });
  });

  it.each([
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9092'), { name: 'KafkaJSConnectionError' }),
    typed('GROUP_LOAD_IN_PROGRESS'),
    typed('NOT_LEADER_FOR_PARTITION'),
    typed('CONCURRENT_TRANSACTIONS'),
    wrapped(new Error('Closed connection')),
    'no error at all',
    undefined,
  ])('takes %s for something that passes', (error) => {
    expect(faultOf(error, settings).kind).toBe('passing');
  });

  it.each([
    'SASL PLAIN authentication failed: Authentication failed: Invalid username or password',
    'Unsupported SASL',
  ])('tells a refused login: %s', (text) => {
    const error = Object.assign(new Error(text), { name: 'KafkaJSSASLAuthenticationError' });
    expect(faultOf(error, settings)).toMatchObject({
      kind: 'lasting',
      error: {
        code: 'broker-refused',
        message: `broker:9092 refused the user or password (${text}): mend topics.sasl`,
      },
    });
  });

  it.each([
    'Connection error: self-signed certificate in certificate chain',
    'Connection error: unable to get local issuer certificate',
    'Connection error: Client network socket disconnected before secure TLS connection was established',
    "Connection error: Hostname/IP does not match certificate's altnames: IP: 127.0.0.2 is not in the cert's list",
    'Connection error: certificate has expired',
    'Connection error: 80C0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number',
  ])('tells what is wrong with TLS: %s', (text) => {
    expect(faultOf(wrapped(new Error(text)), settings)).toMatchObject({
      kind: 'lasting',
      error: { code: 'broker-refused', message: expect.stringMatching(/^no TLS connection to broker:9092 \(/) },
    });
  });

  it('names the user who lacks a permission, and never a password', () => {
    const credentials = { mechanism: 'plain', username: 'eve', password: 'pass-1' } as const;
    const fault = faultOf(typed('TOPIC_AUTHORIZATION_FAILED', 'Not authorized'), { ...settings, credentials });
    const text = fault.kind === 'lasting' ? fault.error.message : '';
    expect(text).toBe('Kafka does not permit this to eve (Not authorized): grant the ACLs of deploy/kafka/acls.md');
  });

  it('lets errors of ours through as they are', () => {
    const error = new HeadwaterError('topic-unknown', 'no such topic');
    expect(faultOf(wrapped(error), settings)).toEqual({ kind: 'lasting', error });
  });

  it('ends where causes go round in a circle', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(faultOf(error, settings).kind).toBe('passing');
  });
});
