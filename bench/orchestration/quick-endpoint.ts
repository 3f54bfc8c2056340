import { createServer } from 'node:net';

// A completion server that does next to nothing, so that what is measured is the client: it reads the length of a request, and
// after `latencyMs` in the mean writes the same answer to each, as 16 events. node quick-endpoint.js LATENCY_MS prints {"url":...}
// and ends with its stdin.

const latencyMs = Number(process.argv[2]);
/** Of the latency, up and down, evenly: where all take exactly as long, requests go on marching in waves once a pause made them. */
const spread = 0.1;
const goldenRatio = (Math.sqrt(5) - 1) / 2;
const answer = answerOf(
  'The river rises slowly behind the old mill, and the people of the valley carry their chairs upstairs, one by one.',
);
let requests = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let received = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const length = lengthOf(received);
    if (length === undefined || received.length < length) return;
    received = Buffer.alloc(0);
    requests += 1;
    const place = 2 * ((requests * goldenRatio) % 1) - 1;
    // A timer is late by half a millisecond in the mean.
    setTimeout(() => socket.write(answer), Math.floor(latencyMs * (1 + spread * place)));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/v1` })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));

/** Bytes of the request with its head; undefined while the head is not whole. */
function lengthOf(request: Buffer): number | undefined {
  const headEnd = request.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const length = /content-length: *(\d+)/i.exec(request.toString('latin1', 0, headEnd))?.[1];
  return headEnd + 4 + Number(length ?? 0);
}

function answerOf(text: string): Buffer {
  const size = Math.ceil(text.length / 16);
  const event = (choice: object, usage?: object) => {
    const chunk = {
      id: 'quick',
      model: 'fake',
      choices: usage ? [] : [{ index: 0, ...choice }],
      ...(usage && { usage }),
    };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  };
  const pieces = Array.from({ length: 16 }, (_, i) => text.slice(i * size, (i + 1) * size));
  const events = [
    ...pieces.map((piece) => event({ text: piece, finish_reason: null })),
    event({ text: '', finish_reason: 'stop' }),
    event({}, { prompt_tokens: 325, completion_tokens: 25, total_tokens: 350 }),
    'data: [DONE]\n\n',
  ].join('');
  const head = [
    'HTTP/1.1 200 OK',
    'content-type: text/event-stream',
    `content-length: ${Buffer.byteLength(events)}`,
    '',
    '',
  ];
  return Buffer.from(head.join('\r\n') + events);
}
