/** Why a mail is left out. */
export type CleanFailure = 'no-subject' | 'encrypted' | 'damaged' | 'adult' | 'not-prose' | 'too-short';

export type Cleaned = { readonly subject: string; readonly body: string } | { readonly skipped: CleanFailure };

/** The body is cut after the last sentence that ends within so many characters. */
const maxBody = 400;
const minWords = 12;
const maxSubject = 90;

/** From here on a mail holds a signature, a list's footer, an advertisement of the provider, or an older mail. */
const endings = [
  /^--\s*$/,
  /^[-_=*~#+]{10,}/,
  /^\s*-+ ?(?:Original Message|Forwarded|Begin forwarded|BEGIN PGP SIGNATURE)/i,
  /^\s*(?:To unsubscribe|To be removed|This (?:sf\.net|list is) |Do You Yahoo|Yahoo! Groups|Get your free|Sponsored by)/i,
  /^\s*(?:Irish Linux Users|ILUG|Irish Linux)/,
  /^\s*(?:MSN Photos|Send and receive Hotmail|Join the world|Chat with friends|FREE pop-up)/i,
];

/** Lines of their own that are not the writer's text. */
const noise = [
  /^\s*[>|:}]/,
  /^\s*\S{0,4}[>\]]/,
  /(?:wrote|writes|said|escribi[oó]|schrieb)\s*:\s*$/i,
  /^\s*(?:On|At|In|Quoting)\b.{0,80}\b(?:\d{1,2}:\d\d|(?:19|20)\d\d)\b.*/,
  /^\s*(?:URL|Date|From|To|Cc|Subject|Sent|Reply-To|Message-ID|Hash|Supplied|Link|Tel|Fax|Phone|X-[\w-]+)\s*:/i,
  /^\s*-+BEGIN PGP SIGNED MESSAGE-+/,
  /^\s*\S*(?:https?:\/\/|www\.)\S*\s*$/i,
  /^\s*[^A-Za-z]*$/,
];

const personal = /https?:|www\.|\S@\S|\b\d{3}[-. )]+\d{3}|\b[a-z0-9-]+\.(?:com|net|org|ie|co\.uk)\b/i;

const adult =
  /\b(?:adults?|xxx+|sex\w*|porn\w*|nud(?:e|ity|es)|naked|erotic\w*|virgins?|penis|fist\w*|cum|sluts?|fuck\w*|cunt|tits)\b/i;

/** A mail's own words as one clean subject line and a body of whole sentences, or why that cannot be had. */
export function cleanMail(rawSubject: string, text: string): Cleaned {
  if (/-----BEGIN PGP MESSAGE-----/.test(text)) return { skipped: 'encrypted' };
  const subject = cleanSubject(rawSubject);
  if (subject === '') return { skipped: 'no-subject' };
  const prose = writersText(text);
  const body = wholeSentences(prose);
  if (/\ufffd|[\u0080-\u009f]/.test(subject + body)) return { skipped: 'damaged' };
  if (adult.test(`${subject} ${body}`)) return { skipped: 'adult' };
  if (words(body) < minWords) return { skipped: 'too-short' };
  return isProse(body) && isProse(subject, 0.7) ? { subject, body } : { skipped: 'not-prose' };
}

/** Without reply marks, list names and the random characters that spam ends its subject with. */
function cleanSubject(raw: string): string {
  let subject = raw
    .replace(/\s{4,}\S+\s*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  for (let before = ''; before !== subject; ) {
    before = subject;
    subject = subject
      .replace(/^(?:re|fwd?|aw|antwort)(?:\[\d+\])?\s*:\s*/i, '')
      .replace(/^\[[^\]]{0,40}\]\s*/, '')
      .replace(/\s*[([](?:fwd?|was:?.*)[)\]]$/i, '')
      .replace(/\s*[[(][^\])]*[A-Za-z]*\d[^\])]*[\])]?$/, '');
  }
  return subject.length > maxSubject || personal.test(subject) ? '' : subject;
}

/** Paragraphs of the writer's own lines; a sentence does not go on over a blank line. */
function writersText(text: string): string[] {
  const lines = text.split('\n');
  const end = lines.findIndex((line, index) => index > 0 && endings.some((ending) => ending.test(line)));
  const paragraphs: string[] = [];
  let current = '';
  for (const line of [...(end === -1 ? lines : lines.slice(0, end)), '']) {
    const blank = line.trim() === '' || noise.some((pattern) => pattern.test(line));
    if (!blank) current += ` ${line.trim()}`;
    else if (current !== '') {
      paragraphs.push(tidy(current));
      current = '';
    }
  }
  return paragraphs;
}

function tidy(paragraph: string): string {
  return paragraph
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[*_]{1,3}(\S[^*_]*\S)[*_]{1,3}/g, '$1')
    .replace(/(?:\b(?:Link|Discuss))?\[\d+\]/g, '')
    .replace(/([!?.])\1{3,}/g, '$1$1$1')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Sentences from the start, without those that hold an address, as far as they fit. */
function wholeSentences(paragraphs: readonly string[]): string {
  let body = '';
  for (const paragraph of paragraphs) {
    for (const sentence of sentencesOf(paragraph)) {
      if (personal.test(sentence)) continue;
      if (body.length + sentence.length + 1 > maxBody) return body;
      body = body === '' ? sentence : `${body} ${sentence}`;
    }
  }
  return body;
}

/** The sentences of a paragraph that start and end as sentences do; a heading or a torn line does not. */
function sentencesOf(paragraph: string): string[] {
  const parts = paragraph.split(/(?<=[.!?]["')]?)\s+(?=["'(]?[A-Z0-9])/);
  return parts.filter((part) => /^["'(]?[A-Z0-9].*[.!?]["')]?$/.test(part) && words(part) > 2);
}

/** Whether nearly all characters are letters and the like, as in running text and not in code, tables or logs. */
function isProse(text: string, share = 0.85): boolean {
  const plain = text.match(/[A-Za-z ',.!?"]/g)?.length ?? 0;
  return plain / text.length >= share && !/[{}<>\\|]|[a-z]\(\)|\S{31,}/.test(text);
}

function words(text: string): number {
  return text.split(/\s+/).filter((word) => /[A-Za-z]/.test(word)).length;
}
