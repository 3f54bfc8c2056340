import { htmlText } from './html-text.js';

/** The parts of a mail that a reader sees. */
export interface MailMessage {
  /** Decoded; empty where there is none. */
  readonly subject: string;
  /** The first part with a text, decoded, plain or out of HTML; null where there is none that can be decoded. */
  readonly text: string | null;
  /** What kept the text from being read. */
  readonly textless: 'no-text' | 'undecodable' | null;
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

type Textless = NonNullable<MailMessage['textless']>;

/** Reads a mail as it was sent (RFC 5322 and MIME): its subject, and the first text within `depth` levels. */
export function parseMail(source: string): MailMessage {
  const mail = parsePart(source.replace(/\r\n?/g, '\n'));
  const subject = decodeWords(mail.headers.get('subject') ?? '');
  const found = textOf(mail, 4);
  return typeof found === 'string'
    ? { subject, text: found, textless: null }
    : { subject, text: null, textless: found.textless };
}

function parsePart(source: string): Part {
  const headers = new Map<string, string>();
  let at = 0;
  let name = '';
  while (at < source.length) {
    const newline = source.indexOf('\n', at);
    const end = newline === -1 ? source.length : newline;
    const line = source.slice(at, end);
    at = end + 1;
    if (line === '') break;
    const header = /^([!-9;-~]+):\s*(.*)$/.exec(line);
    if (/^[ \t]/.test(line) && name !== '') {
      headers.set(name, `${headers.get(name) ?? ''} ${line.trim()}`);
    } else if (header) {
      name = (header[1] ?? '').toLowerCase();
      // Of repeated headers the first counts; a mailbox separator line is none.
      if (headers.has(name)) name = '';
      else headers.set(name, header[2] ?? '');
    } else {
      name = '';
    }
  }
  return { headers, body: source.slice(at) };
}

function textOf(part: Part, depth: number): string | { readonly textless: Textless } {
  const contentType = part.headers.get('content-type') ?? 'text/plain';
  const type = /^[^;\s]+/.exec(contentType)?.[0].toLowerCase() ?? 'text/plain';
  if (type.startsWith('multipart/') && depth > 0) return fromParts(part.body, contentType, depth);
  if (type !== 'text/plain' && type !== 'text' && type !== 'text/html') return { textless: 'no-text' };
  const text = decodeBody(part.body, part.headers.get('content-transfer-encoding') ?? '', charsetOf(contentType));
  if (text === null) return { textless: 'undecodable' };
  return type === 'text/html' || /<(?:html|body|table|font|br|p|a\s)[^>]*>/i.test(text) ? htmlText(text) : text;
}

function fromParts(body: string, contentType: string, depth: number): string | { readonly textless: Textless } {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1]?.trim();
  if (boundary === undefined) return { textless: 'no-text' };
  let textless: Textless = 'no-text';
  for (const source of body.split(`--${boundary}`).slice(1)) {
    if (source.startsWith('--')) break;
    const found = textOf(parsePart(source.replace(/^[ \t]*\n/, '')), depth - 1);
    if (typeof found === 'string' && found.trim() !== '') return found;
    if (typeof found !== 'string' && textless === 'no-text') textless = found.textless;
  }
  return { textless };
}

function charsetOf(contentType: string): string {
  return /charset="?([^";\s]+)"?/i.exec(contentType)?.[1] ?? 'us-ascii';
}

function decodeBody(body: string, encoding: string, charset: string): string | null {
  switch (encoding.trim().toLowerCase()) {
    case 'quoted-printable':
      return decodeBytes(quotedPrintable(body.replace(/[ \t]*=[ \t]*\n/g, '')), charset);
    case 'base64':
      return decodeBytes(Buffer.from(body, 'base64'), charset);
    default:
      // Such bodies were decoded when the corpus was made.
      return body;
  }
}

function quotedPrintable(text: string): Uint8Array {
  const plain = text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

function decodeBytes(bytes: Uint8Array, charset: string): string | null {
  const name = /^(us-ascii|default|unknown|x-unknown|ansi)/i.test(charset) ? 'windows-1252' : charset;
  try {
    return new TextDecoder(name, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Encoded words, such as `=?iso-8859-1?Q?caf=E9?=`, as text (RFC 2047); one that cannot be decoded becomes U+FFFD. */
function decodeWords(header: string): string {
  const joined = header.replace(/\?=\s+=\?/g, '?==?');
  return joined.replace(/=\?([^?\s]+)\?([bq])\?([^?]*)\?=/gi, (_, charset: string, encoding: string, data: string) => {
    const bytes =
      encoding.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : quotedPrintable(data.replaceAll('_', ' '));
    return decodeBytes(bytes, charset) ?? '\ufffd';
  });
}
