/** A text in an answer, with the names that lead to it from the outermost object. */
export interface NamedText {
  readonly path: readonly string[];
  readonly text: string;
}

/** Characters of an answer that are read, values that are kept, and objects inside one another that are followed. */
const bounds = { characters: 2 ** 16, values: 256, depth: 16, name: 80 };

/**
 * The texts in the first JSON object of an answer, or list of objects, that holds any; numbers and truth values as they are written.
 *
 * What models get wrong is mended: prose and fences around it, names without quotes, single quotes, quotes and line breaks within a
 * text, commas too many or too few, an end that is missing. Braces within a text are text. A text that the end of the answer cuts is
 * left out where there are others. Objects inside one another are flattened into paths, lists into several texts of one path. Of what
 * is valid JSON it gives what `JSON.parse` does. Never throws; one pass over at most 65,536 characters, 256 texts, 16 levels.
 *
 * @example
 * ```ts
 * namedTexts("Sure: {tone: 'dry', 'style': {pace: \"quick\",}"); // tone: dry; style, pace: quick
 * ```
 */
export function namedTexts(answer: string): readonly NamedText[] {
  const reader = new LooseReader(answer.slice(0, bounds.characters));
  while (reader.toNextOpening()) {
    const found = reader.object();
    if (found.length > 0) return found;
  }
  return [];
}

const opening = /\{|\[\s*\{/gu;
const space = /[\s,]*/uy;
/** A name without quotes. */
const bareName = /[^\s{}[\]:,"'][^{}[\]:,"'\n]*/uy;
const bareText = /[^,}\]\n]*/uy;
/** What follows the end of a text: all other quotes are part of it. Behind a comma, what a name or value begins with. */
const afterText =
  /\s*(?:[:}\]]|$|["'][^"'\n]{1,80}["']\s*:|,[\s,]*(?:["'{}[\]\d-]|$|(?:true|false|null|none)\b|[\p{L}_][^\s:"']{0,80}\s*:))/iuy;
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const nothing = /^(?:null|none|undefined|nan)?$/iu;

class LooseReader {
  #at = 0;
  /** Objects and lists that are open here. */
  #open = 0;
  #found: NamedText[] = [];
  /** Whether the last text found has no end. */
  #isCut = false;

  constructor(private readonly text: string) {}

  toNextOpening(): boolean {
    opening.lastIndex = this.#at;
    const match = opening.exec(this.text);
    if (match === null) return false;
    this.#at = match.index;
    return true;
  }

  /** The texts of the object or list that opens here. */
  object(): readonly NamedText[] {
    this.#found = [];
    this.#isCut = false;
    this.#open = 0;
    this.#value([]);
    return this.#isCut && this.#found.length > 1 ? this.#found.slice(0, -1) : this.#found;
  }

  #value(path: readonly string[]): void {
    this.#skip(space);
    const character = this.text[this.#at];
    if (character === '{' || character === '[') this.#members(character === '{' ? '}' : ']', path);
    else if (character === '"' || character === "'") this.#keep(path, this.#quoted(character));
    else this.#bare(path);
  }

  /** Of an object or a list, up to its end; the end of what is around it ends it too. */
  #members(end: '}' | ']', path: readonly string[]): void {
    this.#at += 1;
    this.#open += 1;
    // What is deeper is not read, nor what comes behind it.
    if (this.#open > bounds.depth) this.#at = this.text.length;
    for (let next = this.#next(); next !== undefined && next !== '}' && next !== ']'; next = this.#next()) {
      if (end === ']') this.#value(path);
      else this.#pair(path);
    }
    this.#open -= 1;
    if (this.text[this.#at] === end || this.#open === 0) this.#at += 1;
  }

  #next(): string | undefined {
    this.#skip(space);
    return this.text[this.#at];
  }

  /** A name and its value; what is no pair is passed over. */
  #pair(path: readonly string[]): void {
    const start = this.#at;
    const name = this.#name();
    this.#skip(/\s*/uy);
    if (this.text[this.#at] === ':') {
      this.#at += 1;
      this.#value([...path, name.slice(0, bounds.name)]);
    } else if (this.#at === start) {
      this.#at += 1;
    }
  }

  #name(): string {
    const character = this.text[this.#at];
    return character === '"' || character === "'" ? this.#quoted(character).text : this.#skip(bareName).trim();
  }

  /** The text between two quotes; an escape that JSON does not know is the character itself. */
  #quoted(quote: '"' | "'"): { readonly text: string; readonly isCut: boolean } {
    const parts: string[] = [];
    let start = ++this.#at;
    for (; this.#at < this.text.length; this.#at += 1) {
      const character = this.text[this.#at];
      if (character === '\\') {
        parts.push(this.text.slice(start, this.#at), this.#escaped());
        start = this.#at + 1;
      } else if (character === quote && this.#ends()) {
        parts.push(this.text.slice(start, this.#at));
        this.#at += 1;
        return { text: parts.join(''), isCut: false };
      }
    }
    parts.push(this.text.slice(start));
    return { text: parts.join(''), isCut: true };
  }

  /** Leaves the place at the last character of the escape. */
  #escaped(): string {
    this.#at += 1;
    const character = this.text[this.#at] ?? '';
    const code = character === 'u' ? /^[0-9a-f]{4}$/iu.exec(this.text.slice(this.#at + 1, this.#at + 5)) : null;
    if (code === null) return escapes[character] ?? character;
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(code[0], 16));
  }

  #ends(): boolean {
    afterText.lastIndex = this.#at + 1;
    return afterText.test(this.text);
  }

  #bare(path: readonly string[]): void {
    const text = this.#skip(bareText).trim();
    if (!nothing.test(text)) this.#keep(path, { text, isCut: this.#at >= this.text.length });
  }

  #keep(path: readonly string[], { text, isCut }: { readonly text: string; readonly isCut: boolean }): void {
    if (path.length === 0 || this.#found.length >= bounds.values) return;
    this.#found.push({ path, text });
    this.#isCut = isCut;
  }

  /** Moves behind what the pattern matches here, and gives it. */
  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [match = ''] = pattern.exec(this.text) ?? [];
    this.#at += match.length;
    return match;
  }
}
