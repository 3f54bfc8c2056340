import type { Listener } from '../../deploy/kafka/broker.mjs';
import type { Identity } from './certificates.js';

/** A name and a password that a secured test broker knows. */
export interface User {
  readonly username: string;
  readonly password: string;
}

/** `admin` may do everything; `worker` nothing without an access rule, where `acl` is on. */
export const users: Readonly<Record<'admin' | 'worker', User>> = {
  admin: { username: 'admin', password: 'admin-secret' },
  worker: { username: 'worker', password: 'worker-secret' },
};

/** What the broker shows and whom it asks for a certificate. */
export interface ServerTls {
  readonly ca: string;
  readonly identity: Identity;
  readonly clientCertificate: boolean;
}

/** The listener `SECURE` with TLS, with all SASL mechanisms at once, or with both. */
export function securedListener(tls: ServerTls | undefined, sasl: boolean): Listener {
  const properties = { ...(tls && tlsProperties(tls)), ...(sasl && saslProperties()) };
  const protocol = sasl ? (tls ? 'SASL_SSL' : 'SASL_PLAINTEXT') : 'SSL';
  const own = Object.entries(properties).map(([key, value]) => [`listener.name.secure.${key}`, value] as const);
  return { name: 'SECURE', protocol, properties: Object.fromEntries(own) };
}

/** Access rules are checked; the broker itself, on its plain listener, and `admin` are above them. */
export const accessRules = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin',
};

/** Arguments that make the SCRAM users while the data folder is formatted. */
export function scramUsers(): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
    Object.values(users).flatMap(({ username, password }) => [
      '--add-scram',
      `${mechanism}=[name=${username},password=${password}]`,
    ]),
  );
}

/** An unsigned token for OAUTHBEARER, which only Kafka's validator for tests takes. */
export function unsignedToken(username: string, lifeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: username, iat: now, exp: now + lifeSeconds })}.`;
}

function tlsProperties({ ca, identity, clientCertificate }: ServerTls): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': identity.key,
    'ssl.keystore.certificate.chain': identity.cert + ca,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': ca,
    'ssl.client.auth': clientCertificate ? 'required' : 'none',
    'ssl.principal.mapping.rules': 'RULE:^CN=([^,]*).*$/$1/,DEFAULT',
  };
}

function saslProperties(): Record<string, string> {
  const security = 'org.apache.kafka.common.security';
  const passwords = Object.values(users).map(({ username, password }) => `user_${username}="${password}"`);
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required ${passwords.join(' ')};`,
    'scram-sha-256.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
    'scram-sha-512.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
    'oauthbearer.sasl.jaas.config': `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
}
