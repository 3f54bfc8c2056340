import { type ErrorCode, HeadwaterError } from '../../schemas/errors.js';
import type { KafkaSettings } from './kafka-settings.js';

/** What an error of kafkajs means for whoever called. */
export type KafkaFault =
  /** The broker is away, or moves: the same call may work later. */
  | { readonly kind: 'passing'; readonly reason: string }
  /** Another producer has the transactional id, or the transaction ran out of time: its work is void. */
  | { readonly kind: 'fenced'; readonly reason: string }
  /** Only a person can mend it. */
  | { readonly kind: 'lasting'; readonly error: HeadwaterError };

const fencing = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_TXN_STATE',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_PRODUCER_ID',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'TRANSACTION_COORDINATOR_FENCED',
]);

const certificate =
  /self[- ]signed|unable to verify|unable to get (local )?issuer|certificate has expired|altname|DEPTH_ZERO|CERT_|bad certificate|certificate required|unknown ca|handshake failure|wrong version number|before secure TLS/i;
const authentication = /SASL|authentication failed|mechanism/i;
const permission = /AUTHORIZATION_FAILED/;
const wrong = /^(TypeError|RangeError|ReferenceError|SyntaxError)$/;

/** Sorts an error by what can be done about it. */
export function faultOf(error: unknown, settings: Pick<KafkaSettings, 'brokers' | 'credentials'>): KafkaFault {
  const chain = causesOf(error);
  const own = chain.find((cause) => cause instanceof HeadwaterError);
  if (own !== undefined) return { kind: 'lasting', error: own };
  const types = chain.map(({ type }) => type ?? '');
  const texts = chain.map(({ name, message }) => `${name}: ${message}`).join('; ');
  const reason = chain.at(-1)?.message || String(error);
  const at = settings.brokers.join(', ');
  const lasting = (code: ErrorCode, text: string): KafkaFault => ({
    kind: 'lasting',
    error: new HeadwaterError(code, text, { cause: error }),
  });
  if (types.some((type) => permission.test(type))) {
    const who =
      settings.credentials !== undefined && 'username' in settings.credentials
        ? settings.credentials.username
        : 'this user';
    return lasting(
      'broker-forbidden',
      `Kafka does not permit this to ${who} (${reason}): grant the ACLs of deploy/kafka/acls.md`,
    );
  }
  if (
    chain.some(({ name }) => name === 'KafkaJSSASLAuthenticationError') ||
    (authentication.test(texts) && types.every((type) => !type))
  ) {
    return lasting('broker-refused', `${at} refused the user or password (${reason}): mend topics.sasl`);
  }
  if (certificate.test(texts)) {
    return lasting('broker-refused', `no TLS connection to ${at} (${reason}): mend topics.ssl, or the port`);
  }
  if (types.includes('MESSAGE_TOO_LARGE')) {
    return lasting(
      'record-too-large',
      `Kafka takes no message of this size (${reason}): raise the topic's max.message.bytes`,
    );
  }
  if (types.includes('INVALID_SESSION_TIMEOUT')) {
    return lasting(
      'broker-refused',
      `${at} takes no topics.session of this length (${reason}): stay between its group.min and group.max.session.timeout.ms`,
    );
  }
  if (types.includes('INCONSISTENT_GROUP_PROTOCOL')) {
    return lasting(
      'broker-failed',
      `another program consumes in a group of ours, in another way (${reason}): end it, or choose another topics.prefix`,
    );
  }
  if (types.includes('INVALID_REPLICATION_FACTOR')) {
    return lasting(
      'broker-failed',
      `${at} has too few brokers for the copies asked for (${reason}): lower topics.replicas`,
    );
  }
  const fence = types.find((type) => fencing.has(type));
  if (fence !== undefined) return { kind: 'fenced', reason };
  if (chain.some((cause) => isMistake(cause) || cause.name === 'KafkaJSNotImplemented')) {
    return lasting('broker-failed', `kafkajs failed (${reason})`);
  }
  return { kind: 'passing', reason };
}

/** A connection that breaks at some moments leaves kafkajs with null where it looks for an answer: that is no mistake of ours. */
function isMistake({ name, message }: Error): boolean {
  return wrong.test(name) && !/\b(null|undefined)\b/.test(message);
}

interface Cause extends Error {
  readonly type?: string;
}

/** An error and what it came of, of which there may be several. */
function causesOf(error: unknown): readonly (Cause & object)[] {
  const chain: Cause[] = [];
  const follow = (cause: unknown): void => {
    if (!(cause instanceof Error) || chain.includes(cause)) return;
    chain.push(cause);
    const several: unknown = Reflect.get(cause, 'errors');
    if (Array.isArray(several)) several.forEach(follow);
    follow(cause.cause);
  };
  follow(error);
  if (chain.length > 0) return chain;
  return [new Error(String(error))];
}
