const entities: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  copy: '(c)',
  gt: '>',
  lt: '<',
  nbsp: ' ',
  quot: '"',
};

/** The text of a simple HTML mail, a block a paragraph; scripts, styles and forms are left out. Never interpreted again. */
export function htmlText(html: string): string {
  return html
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replace(/<(script|style|head|title|select)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/<\/?(?:p|div|table|tr|td|th|li|ul|ol|h\d|center|hr|blockquote|br|dd|dt|dl)\b[^>]*>/gi, '\n\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d{1,6})|([a-z]+));?/gi, (entity, code: string | undefined, name: string | undefined) => {
      if (code !== undefined) return Number(code) < 0x110000 ? String.fromCodePoint(Number(code)) : '\ufffd';
      return entities[name?.toLowerCase() ?? ''] ?? entity;
    });
}
