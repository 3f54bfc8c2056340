/**
 * A text as it may travel: one kind of line break, no control character but tab and line break, no lone surrogate (each of them
 * becomes a space), and no space around it.
 */
export function plainText(text: string): string {
  return text
    .replace(/\r\n?/gu, '\n')
    .replace(/\p{Surrogate}|(?![\n\t])\p{Cc}/gu, ' ')
    .trim();
}
