/** Every code that an error or a dead letter of Headwater carries, with what it means. */
export const errorCodes = {
  'record-invalid': 'a record does not have the shape that its schema asks for',
  'record-undecodable': 'the bytes of a record are not UTF-8 JSON',
  'schema-unknown': 'a record names a schema that this version does not know',
  'line-invalid': 'an input line is not an object, or lacks a field of the domain',
  'line-too-long': 'an input line is longer than the limit',
  'input-unreadable': 'an input file is missing, empty, or not text',
  'recipe-invalid': 'the recipe is wrong, or names something that does not exist',
  'environment-missing': 'an environment variable that the recipe names is not set',
  'data-in-use': 'another process runs on this data folder',
  'data-foreign': 'the data folder was written by another recipe',
  'data-missing': 'the folder holds no pipeline',
  'store-newer': 'the data folder was written by a newer version of Headwater',
  'store-full': 'the disk is full',
  'store-unwritable': 'a folder or file cannot be written',
  'address-unusable': 'an address to listen at is taken, or not one of this machine',
  'store-closed': 'the store was closed before the call',
  'topic-unknown': 'the topic does not exist',
  'topic-misfit': 'the topic exists with other partitions or another cleanup policy',
  'record-too-large': 'a record is larger than its topic takes',
  'broker-unreachable': 'no Kafka broker answers at the addresses given',
  'broker-refused': 'the Kafka broker refused the connection: encryption, certificate, user or password',
  'broker-forbidden': 'the Kafka user lacks a permission (ACL)',
  'broker-failed': 'the Kafka broker answered with an error that retries did not mend',
  'registry-refused':
    'the schema registry does not take our requests: its address, certificate, user or rights are wrong',
  'task-lost': 'the partition was taken over by another worker',
  'model-missing': 'no place has the model file',
  'model-damaged': 'a model file is cut, or its hash is wrong',
  'model-too-large': 'a model does not fit into the memory of this machine',
  'engine-missing': 'the package of an engine is not installed',
  'engine-failed': 'the worker of an engine stopped, and its requests with it',
  'engine-closed': 'an engine was closed before it answered',
  'prompt-too-long': 'a prompt does not fit into the context of the model',
  'chat-unsupported': 'a base model, without a chat template, was asked to chat',
  'grammar-invalid': 'a grammar cannot be parsed',
  'endpoint-unreachable': 'the endpoint does not answer, after all retries',
  'endpoint-refused': 'the endpoint answered that the request is wrong',
  'endpoint-malformed': 'the endpoint answered with something that is not a completion',
  'endpoint-timeout': 'the endpoint did not finish in time, after all retries',
  'model-changed': 'an endpoint answers with another model than before, and the recipe says to stop then',
  'journal-missing': 'the journal has no answer for the request',
  'value-unencodable': 'the encoder cannot write a value without changing it',
  'shard-damaged': 'a shard file does not match its manifest',
  'nothing-accepted': 'very many plans in a row ended without a sample',
  'operator-failed': 'an operator threw on a record',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The one error class: what happened, to which record or option, and what to do, with a code for programs. */
export class HeadwaterError extends Error {
  override readonly name = 'HeadwaterError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
