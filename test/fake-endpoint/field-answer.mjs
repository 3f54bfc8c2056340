// What a model would answer to a prompt in the layout of our examples, as a pure function of the request.

const nouns =
  'harbour winter ledger orchard signal meadow engine letter bridge market lantern river copper garden'.split(' ');
const verbs = 'carries follows repairs counts opens crosses records gathers measures returns paints delays'.split(' ');
const ends = 'today. before noon. with care. again. by the gate. for the team. in silence. after lunch. at last.'.split(
  '. ',
);

/**
 * Text that parses as the fields of a domain: a draft continues the opened field and goes on with the fields that follow it
 * in the examples; an edit gives the draft at the end of the conversation back, one word changed.
 */
export function fieldAnswer(asked, hash) {
  const draw = generator(hash);
  return { text: asked.messages === undefined ? drafted(asked.prompt, draw) : edited(asked.messages, draw) };
}

function drafted(prompt, draw) {
  const opened = /(?:^|\n)([^\n:]{1,60}):[ \t]*$/.exec(prompt)?.[1];
  const block = /EXAMPLE START\n([\s\S]*?)\nEXAMPLE END/.exec(prompt)?.[1] ?? '';
  const titles = [...block.matchAll(/^([^\s:][^\n:]{0,59}):/gm)].map((match) => match[1]);
  const rest = opened === undefined ? [] : titles.slice(titles.indexOf(opened) + 1);
  const lines = [` ${sentence(draw)}`, ...rest.map((title) => `${title}: ${sentence(draw)} ${sentence(draw)}`)];
  return `${lines.join('\n')}\nEXAMPLE END\n`;
}

function edited(messages, draw) {
  const last = messages.at(-1);
  const opening = last.role === 'assistant' ? last.content.trim() : '';
  const user = messages.findLast((message) => message.role === 'user').content;
  const first = opening === '' ? /"([^"\n]+:)"/.exec(user)?.[1] : opening;
  const start =
    first === undefined ? -1 : Math.max(user.lastIndexOf(`\n${first}`) + 1, user.startsWith(first) ? 0 : -1);
  if (start < 0) return ` ${sentence(draw)}`;
  const draft = user.slice(start + (opening === '' ? 0 : first.length));
  const word = [...draft.matchAll(/\b[a-z]{4,}\b(?!:)/g)].at(-1);
  return word ? draft.slice(0, word.index) + pick(nouns, draw) + draft.slice(word.index + word[0].length) : draft;
}

function sentence(draw) {
  const words = ['The', pick(nouns, draw), pick(verbs, draw), 'the', pick(nouns, draw), 'and', pick(verbs, draw), 'a'];
  return `${[...words, pick(nouns, draw), pick(ends, draw)].join(' ')}.`.replace(/\.+$/, '.');
}

function pick(words, draw) {
  return words[Math.floor(draw() * words.length)];
}

/** Uniform on [0, 1), from a hash (a linear congruential generator of 32 bits). */
function generator(hash) {
  let state = Number.parseInt(hash.slice(0, 8), 16);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
