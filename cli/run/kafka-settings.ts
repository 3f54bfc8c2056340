import { hostname } from 'node:os';

import type { KafkaTopicsConfig } from '../../schemas/recipe.js';
import type { KafkaCredentials, KafkaSettings } from '../../streams/kafka/kafka-settings.js';
import { pemFiles } from './pem-files.js';
import { type SettingPlaces, secretValue } from './secret-value.js';

export interface KafkaSettingsOptions extends SettingPlaces {
  /** The recipe's name: the prefix, where the recipe has none. */
  readonly name: string;
}

/**
 * What a recipe says of its cluster, with certificates and secrets read. Throws `recipe-invalid` or `environment-missing`, naming
 * path, place and what to do; no message holds a secret.
 */
export async function kafkaSettings(config: KafkaTopicsConfig, options: KafkaSettingsOptions): Promise<KafkaSettings> {
  const { brokers, ssl, sasl, session, replicas, compression, commit } = config;
  const tls = ssl === true ? {} : ssl === false ? undefined : await pemFiles(ssl, 'topics.ssl', options.base);
  const credentials = sasl === undefined ? undefined : await credentialsOf(sasl, options);
  return {
    brokers,
    prefix: config.prefix ?? options.name,
    clientId: config.clientId ?? ownName(),
    ...(tls === undefined ? {} : { tls }),
    ...(credentials === undefined ? {} : { credentials }),
    sessionTimeoutMs: session,
    ...(replicas === undefined ? {} : { replicas }),
    compression,
    commitEveryMs: commit.every,
    commitRecords: commit.records,
  };
}

/** Workers on one host differ, too. */
function ownName(): string {
  return `headwater-${hostname().replace(/[^A-Za-z0-9._-]/g, '-')}-${process.pid}`;
}

async function credentialsOf(
  sasl: NonNullable<KafkaTopicsConfig['sasl']>,
  places: SettingPlaces,
): Promise<KafkaCredentials> {
  if (sasl.mechanism !== 'oauthbearer') {
    const { mechanism, username } = sasl;
    return { mechanism, username, password: await secretValue(sasl.password, 'topics.sasl.password', places) };
  }
  if ('token' in sasl) {
    // Whoever renews the token writes the file anew.
    const token = () => secretValue(sasl.token, 'topics.sasl.token', places);
    await token();
    return { mechanism: 'oauthbearer', token };
  }
  const { tokenUrl, clientId, scope } = sasl;
  const clientSecret = await secretValue(sasl.clientSecret, 'topics.sasl.clientSecret', places);
  const client = { tokenUrl, clientId, clientSecret, ...(scope === undefined ? {} : { scope }) };
  const { clientToken } = await import('./client-token.js');
  return { mechanism: 'oauthbearer', token: clientToken({ ...client, now: Date.now }) };
}
