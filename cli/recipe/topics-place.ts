import type { Recipe } from '../../schemas/recipe.js';

/** Where a recipe's topics are, and who reads and writes them; no secrets. */
export type TopicsPlace =
  | { readonly kind: 'log'; readonly dir: string; readonly partitions: number }
  | {
      readonly kind: 'kafka';
      readonly brokers: readonly string[];
      readonly prefix: string;
      readonly partitions: number;
      readonly tls: boolean;
      /** Whether the brokers are shown a certificate of the client. */
      readonly clientCertificate: boolean;
      /** Null without SASL. */
      readonly mechanism: string | null;
      /** The user, or the client's id; null where a token says it. */
      readonly user: string | null;
    };

/** Where a recipe's topics are; the folder of a log is the one that `run` takes by default. */
export function topicsPlace({ topics, name }: Recipe): TopicsPlace {
  const { partitions } = topics;
  if (topics.kind === 'log') return { kind: 'log', dir: topics.dir ?? '.headwater', partitions };
  const { brokers, prefix = name, ssl, sasl } = topics;
  return {
    kind: 'kafka',
    brokers,
    prefix,
    partitions,
    tls: ssl !== false,
    clientCertificate: typeof ssl === 'object' && ssl.cert !== undefined,
    mechanism: sasl?.mechanism ?? null,
    user: userOf(sasl),
  };
}

function userOf(sasl: Extract<Recipe['topics'], { kind: 'kafka' }>['sasl']): string | null {
  if (sasl === undefined || 'token' in sasl) return null;
  return 'username' in sasl ? sasl.username : sasl.clientId;
}

/** The same in lines for people. */
export function topicsText(place: TopicsPlace): string {
  const lanes = place.partitions === 1 ? '1 partition' : `${place.partitions} partitions`;
  if (place.kind === 'log') return `  log       ${place.dir}, on this machine; ${lanes}\n`;
  const { brokers, prefix, tls, clientCertificate, mechanism, user } = place;
  const channel = tls ? `TLS${clientCertificate ? ' with a client certificate' : ''}` : 'no TLS';
  const who = mechanism === null ? 'no user' : `user ${user ?? 'that the token names'} (${mechanism})`;
  return [
    `  kafka     ${brokers.join(', ')}, which was not asked\n`,
    `            topics ${prefix}.*, ${lanes}; ${channel}; ${who}\n`,
  ].join('');
}
