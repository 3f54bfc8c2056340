// An OpenAI-compatible server whose answers depend on the request alone, with faults on demand. Plain JavaScript, so that it
// also runs as a process of its own: node fake-endpoint.mjs '{"latencyMs":50}' prints {"url":...} and ends with its stdin.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

import { fieldAnswer } from './field-answer.mjs';

const megabyte = 2 ** 20;

/** See fake-endpoint.d.mts. */
export async function startFakeEndpoint(options = {}) {
  const endpoint = new FakeEndpoint(options);
  await endpoint.listen();
  return endpoint;
}

class FakeEndpoint {
  url = '';
  requests = 0;
  answered = 0;
  aborted = 0;
  inFlight = 0;
  mostInFlight = 0;
  /** Asked and answered, by the hash of the body. */
  byRequest = new Map();
  #options;
  #server;
  #now;
  #startedAt;

  constructor(options) {
    this.#options = { latencyMs: 0, faults: [], usage: true, stream: true, pieces: 8, answer: fieldAnswer, ...options };
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      response.on('error', () => undefined);
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
  }

  listen() {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(this.#options.port ?? 0, '127.0.0.1', () => {
        this.url = `http://127.0.0.1:${this.#server.address().port}/v1`;
        resolve();
      });
    });
  }

  counts() {
    const { requests, answered, aborted, inFlight, mostInFlight } = this;
    return { requests, answered, aborted, inFlight, mostInFlight };
  }

  stats() {
    return { ...this.counts(), byRequest: Object.fromEntries(this.byRequest) };
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request, response) {
    const arrived = performance.now();
    const body = await text(request);
    const route = /\/(completions|chat\/completions|models|stats|counts)(?:\?.*)?$/.exec(request.url)?.[1];
    if (route === 'stats') return sendJson(response, 200, this.stats());
    if (route === 'counts') return sendJson(response, 200, this.counts());
    if (route === undefined) return sendJson(response, 404, error(404, `no route ${request.url}`));
    if (this.#options.key !== undefined && request.headers.authorization !== `Bearer ${this.#options.key}`) {
      return sendJson(response, 401, error(401, `Incorrect API key provided: ${request.headers.authorization}`));
    }
    const { models, renamed } = this.#options;
    if (route === 'models') return sendJson(response, 200, modelList(models ?? ['fake']));
    const sent = JSON.parse(body);
    const asked = renamed !== undefined && this.requests >= renamed.after ? { ...sent, model: renamed.to } : sent;
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 32);
    const seen = this.byRequest.get(hash) ?? { asked: 0, answered: 0 };
    this.byRequest.set(hash, seen);
    seen.asked += 1;
    this.#begin(response);
    if (models !== undefined && !models.includes(sent.model)) {
      return sendJson(response, 404, error(404, `The model \`${sent.model}\` does not exist.`));
    }
    // How many are open when a request comes is what a server that collapses gets slow from.
    const load = this.inFlight;
    const refusal = this.#options.refuse?.(asked);
    if (refusal !== undefined) return sendJson(response, 400, error(400, refusal));
    const fault = this.#faultOf(hash, seen.asked, body);
    if (fault !== undefined && (await this.#misbehave(fault, response, route, asked, hash))) return;
    const send = this.#prepared(response, route, asked, this.#options.answer(asked, hash));
    await this.#delay(hash, response, arrived, load);
    send();
    this.answered += 1;
    seen.answered += 1;
  }

  #begin(response) {
    this.requests += 1;
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight -= 1;
      if (!response.writableFinished) this.aborted += 1;
    });
  }

  /** The first fault that is meant for this request, this time that it is asked. */
  #faultOf(hash, time, body) {
    const draw = Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32;
    let from = 0;
    for (const fault of this.#options.faults) {
      const { share, times = 1, match, untilMs } = fault;
      const drawn = share === undefined || (draw >= from && draw < from + share);
      from += share ?? 0;
      const due = untilMs === undefined ? time <= times : this.#now() - this.#startedAt < untilMs;
      if (drawn && due && (match === undefined || body.includes(match))) return fault;
    }
    return undefined;
  }

  #delay(hash, response, arrived, load) {
    const { latencyMs, slowest, collapse } = this.#options;
    // Who is slow is drawn by the request, so that a replay is as slow.
    const draw = Number.parseInt(hash.slice(8, 16), 16) / 2 ** 32;
    const unloaded = slowest && draw < slowest.share ? latencyMs * slowest.factor : latencyMs;
    const ms = unloaded * slowdown(collapse, load);
    // A timer is late by half a millisecond in the mean, so the part of one that is left over is left out.
    return ms === 0 ? undefined : elapsed(Math.floor(ms - (performance.now() - arrived)), response);
  }

  /** Whether the request got its (bad) answer. */
  async #misbehave(fault, response, route, asked, hash) {
    switch (fault.kind) {
      case 'status': {
        if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
        sendJson(response, fault.status, fault.body ?? error(fault.status, `told to answer ${fault.status}`));
        return true;
      }
      case 'redirect':
        response.writeHead(307, { location: fault.location }).end();
        return true;
      case 'hang':
        return true;
      case 'stall':
        this.#startEvents(response);
        response.write(this.#events(route, asked, this.#options.answer(asked, hash)).slice(0, 200));
        return true;
      case 'close':
        response.destroy();
        return true;
      case 'cut': {
        this.#startEvents(response);
        const events = this.#events(route, asked, this.#options.answer(asked, hash));
        response.write(events.slice(0, events.length / 2), () => response.destroy());
        return true;
      }
      case 'end-early': {
        this.#startEvents(response);
        const events = this.#events(route, asked, this.#options.answer(asked, hash));
        response.end(events.slice(0, events.indexOf('\n\n') + 2));
        return true;
      }
      case 'truncated':
        send(
          response,
          200,
          'application/json',
          JSON.stringify(whole(route, asked, { text: 'half an answer' })).slice(0, -40),
        );
        return true;
      case 'html':
        send(response, fault.status ?? 200, 'text/html', '<!doctype html><html><body>Bad gateway</body></html>');
        return true;
      case 'raw':
        send(response, 200, fault.contentType ?? 'application/json', fault.body);
        return true;
      case 'slow':
        await elapsed(fault.ms, response);
        return false;
      case 'huge':
        this.#prepared(response, route, asked, { text: 'word '.repeat((fault.megabytes * megabyte) / 5) })();
        return true;
      default:
        throw new TypeError(`no fault is called '${fault.kind}'`);
    }
  }

  /** The answer is made before the delay, so that the delay is all that a client waits for. */
  #prepared(response, route, asked, answer) {
    const { stream, usage } = this.#options;
    if (!asked.stream || !stream) {
      const spelled = this.#options.logprobs && asked.logprobs ? spoken(route, limited(asked, answer).text) : undefined;
      return () => sendJson(response, 200, whole(route, asked, answer, usage, spelled));
    }
    const events = this.#events(route, asked, answer);
    return () => {
      this.#startEvents(response);
      response.end(events);
    };
  }

  #startEvents(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
  }

  #events(route, asked, answer) {
    const { text: content, finishReason } = limited(asked, answer);
    const size = Math.max(1, Math.ceil(content.length / this.#options.pieces));
    // Put together from parts: JSON of each event would take longer than the client's whole work.
    const [before, between] = partsOf(route, asked.model);
    let events = '';
    for (let from = 0; from < content.length; from += size) {
      const piece = content.slice(from, from + size);
      const spoken = logprobsOf(this.#options, route, asked, piece);
      events += `${before}${JSON.stringify(piece)}${between}${spoken}"finish_reason":null}]}\n\n`;
    }
    events += `${before}""${between}"finish_reason":${JSON.stringify(finishReason)}}]}\n\n`;
    if (this.#options.usage && asked.stream_options?.include_usage) {
      const counted = { id: 'fake', model: asked.model, choices: [], usage: usageOf(asked, content) };
      events += `data: ${JSON.stringify(counted)}\n\n`;
    }
    return `${events}data: [DONE]\n\n`;
  }
}

/** What stands before and after the text of an event. */
function partsOf(route, model) {
  const start = `data: {"id":"fake","model":${JSON.stringify(model)},"choices":[{"index":0,`;
  return route === 'completions' ? [`${start}"text":`, ','] : [`${start}"delta":{"content":`, '},'];
}

/** A made-up log probability for each word, in the shape of the route; empty where none were asked for. */
function logprobsOf({ logprobs }, route, asked, piece) {
  if (!logprobs || asked.logprobs === undefined || asked.logprobs === false) return '';
  return `"logprobs":${JSON.stringify(spoken(route, piece))},`;
}

function spoken(route, piece) {
  const words = piece.match(/\s*\S+|\s+$/g) ?? [];
  const likely = words.map((word) => -1 / (1 + word.length));
  if (route === 'completions') {
    return { tokens: words, token_logprobs: likely, top_logprobs: words.map((word, i) => ({ [word]: likely[i] })) };
  }
  return {
    content: words.map((token, i) => ({ token, logprob: likely[i], top_logprobs: [{ token, logprob: likely[i] }] })),
  };
}

/** Latency doubles above a number of open requests, and again with each further `each`. */
function slowdown(collapse, load) {
  if (collapse === undefined || load <= collapse.above) return 1;
  return collapse.each === undefined ? 2 : 2 ** Math.ceil((load - collapse.above) / collapse.each);
}

function modelList(names) {
  return { object: 'list', data: names.map((id) => ({ id, object: 'model' })) };
}

function whole(route, asked, answer, usage = true, logprobs = undefined) {
  const { text: content, finishReason } = limited(asked, answer);
  const said = route === 'completions' ? { text: content } : { message: { role: 'assistant', content } };
  return {
    id: 'fake',
    model: asked.model,
    choices: [{ index: 0, ...said, ...(logprobs ? { logprobs } : {}), finish_reason: finishReason }],
    ...(usage ? { usage: usageOf(asked, content) } : {}),
  };
}

/** The answer up to the first stop text and the most tokens, of which it counts four characters each. */
function limited(asked, { text: content, finishReason = 'stop' }) {
  const stops = [asked.stop ?? []].flat().map((stop) => content.indexOf(stop));
  const stop = Math.min(...stops.filter((index) => index >= 0), content.length);
  const most = 4 * (asked.max_tokens ?? asked.max_completion_tokens ?? Number.POSITIVE_INFINITY);
  return { text: content.slice(0, Math.min(stop, most)), finishReason: stop > most ? 'length' : finishReason };
}

function usageOf(asked, content) {
  const prompt = asked.prompt ?? asked.messages.map((message) => message.content).join('');
  const counts = { prompt_tokens: Math.ceil(prompt.length / 4), completion_tokens: Math.ceil(content.length / 4) };
  return { ...counts, total_tokens: counts.prompt_tokens + counts.completion_tokens };
}

function error(code, message) {
  return { error: { message, type: 'fake_error', code } };
}

function sendJson(response, status, json) {
  send(response, status, 'application/json', JSON.stringify(json));
}

function send(response, status, contentType, body) {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}

function elapsed(ms, response) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.on('close', () => clearTimeout(timer));
  });
}

function text(request) {
  return new Promise((resolve, reject) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => resolve(body));
    request.on('error', reject);
  });
}

async function main(options) {
  const answer = options.answers === undefined ? undefined : (await import(pathToFileURL(options.answers).href)).answer;
  const endpoint = await startFakeEndpoint({ ...options, ...(answer ? { answer } : {}) });
  process.stdout.write(`${JSON.stringify({ url: endpoint.url })}\n`);
  // Its stdin ends with the parent, however the parent ends.
  process.stdin.resume().on('end', () => process.exit(0));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(JSON.parse(process.argv[2] ?? '{}'));
