// What the models of the crash tests answer: as the fake endpoint does, but now and then badly, and every answer names its
// request, so that an answer in a journal can be matched with the request that was paid for.
import { fieldAnswer } from '../fake-endpoint/field-answer.mjs';

/** A pure function of the request, so that the same plan has the same fate in every run. */
export function answer(asked, hash) {
  const mark = `Request ${hash}.`;
  if (asked.messages?.at(-1)?.content.includes('flat JSON object')) return { text: attributes(mark, hash) };
  const fate = Number.parseInt(hash.slice(8, 16), 16) / 2 ** 32;
  if (fate < 0.25) return { text: ` nothing comes to mind, ${mark}` };
  if (fate < 0.3) return { text: ` a word too many, ${mark}`, finishReason: 'length' };
  if (fate < 0.4 && asked.prompt !== undefined) return { text: `${seedOf(asked.prompt)} ${mark}\nEXAMPLE END\n` };
  const { text } = fieldAnswer(asked, hash);
  const end = text.indexOf('\nEXAMPLE END');
  return { text: end < 0 ? `${text} ${mark}` : `${text.slice(0, end)} ${mark}${text.slice(end)}` };
}

/** What a model says of texts; now and then nothing that can be read. */
function attributes(mark, hash) {
  const [topic, tone] = [hash.slice(0, 4), hash.slice(4, 6)].map((digits) => Number.parseInt(digits, 16));
  if (tone < 32) return `These are texts. ${mark}`;
  return JSON.stringify({ topic: `${['sums', 'prices', 'distances'][topic % 3]} of a ${topic}`, tone: mark });
}

/** The first example from the field on that the prompt has opened: a text that the gate must refuse. */
function seedOf(prompt) {
  const opened = /\n([^\n:]+:)[ \t]*$/.exec(prompt)?.[1] ?? '';
  const block = /EXAMPLE START\n([\s\S]*?)\nEXAMPLE END/.exec(prompt)?.[1] ?? '';
  return block.slice(block.indexOf(opened) + opened.length);
}
