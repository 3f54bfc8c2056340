// OpenAI's files and batches, as far as a client of batches sees them. See fake-batch-endpoint.d.mts.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

import { fieldAnswer } from './field-answer.mjs';

export async function startFakeBatchEndpoint(options = {}) {
  const endpoint = new FakeBatchEndpoint(options);
  await endpoint.listen();
  return endpoint;
}

class FakeBatchEndpoint {
  url = '';
  batches = [];
  paid = new Map();
  calls = [];
  #files = new Map();
  #options;
  #server;

  constructor(options) {
    this.#options = {
      answer: fieldAnswer,
      end: () => 'completed',
      why: () => ({ code: 'internal_error', message: 'The batch could not be started' }),
      looks: () => 2,
      output: (lines) => lines,
      ...options,
    };
    this.#server = createServer((request, response) => {
      response.on('error', () => undefined);
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
  }

  listen() {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        this.url = `http://127.0.0.1:${this.#server.address().port}/v1`;
        resolve();
      });
    });
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request, response) {
    const body = await bytesOf(request);
    const url = new URL(request.url, this.url);
    const path = url.pathname.replace(/^\/v1/, '');
    const call = `${request.method} ${path}`;
    this.calls.push(call);
    const { key, drop, status } = this.#options;
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      return send(response, 401, error('Incorrect API key provided', 'invalid_request_error'));
    }
    const refused = status?.(call);
    if (refused !== undefined) return send(response, refused, error(`told to answer ${refused}`, 'server_error'));
    const dropped = drop?.(call);
    if (dropped === 'before') return response.destroy();
    const answer = this.#answer(request, url, path, body);
    if (dropped === 'after') return response.destroy();
    if (typeof answer === 'string') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
    else send(response, answer.status ?? 200, answer.json);
  }

  #answer(request, url, path, body) {
    const [, route, id, what] = path.split('/');
    if (request.method === 'POST' && path === '/files') return this.#upload(request, body);
    if (request.method === 'GET' && route === 'files' && what === 'content') {
      const content = this.#files.get(id);
      return content ?? { status: 404, json: error(`No such File object: ${id}`, 'invalid_request_error') };
    }
    if (request.method === 'GET' && path === '/models') return { json: { object: 'list', data: [] } };
    if (request.method === 'POST' && path === '/batches') return this.#create(JSON.parse(body.toString()));
    if (request.method === 'GET' && path === '/batches') return this.#list(url);
    const batch = route === 'batches' ? this.batches.find((each) => each.id === id) : undefined;
    if (batch === undefined) return { status: 404, json: error(`No route ${path}`, 'invalid_request_error') };
    if (what === 'cancel') this.#end(batch, 'cancelled', 0);
    else this.#look(batch);
    return { json: describe(batch) };
  }

  #upload(request, body) {
    const boundary = /boundary=(.+)$/.exec(request.headers['content-type'])?.[1];
    const parts = body.toString('utf8').split(`--${boundary}`);
    const file = parts.find((part) => part.includes('filename='));
    const purpose = parts
      .find((part) => part.includes('name="purpose"'))
      ?.split('\r\n\r\n')[1]
      ?.trim();
    if (file === undefined || purpose !== 'batch')
      return { status: 400, json: error('file and purpose', 'invalid_request_error') };
    const content = file.slice(file.indexOf('\r\n\r\n') + 4, -2);
    return { json: { id: this.#keep(content), object: 'file', purpose } };
  }

  #create({ input_file_id: inputFile, endpoint, metadata }) {
    const lines = (this.#files.get(inputFile) ?? '').split('\n').filter((line) => line !== '');
    const requests = lines.map((line) => JSON.parse(line));
    const number = this.batches.length;
    const batch = {
      id: `batch_${number}`,
      number,
      status: 'validating',
      inputFile,
      endpoint,
      metadata,
      requests,
      customIds: requests.map((each) => each.custom_id),
      createdAt: Math.floor((this.#options.now?.() ?? Date.now()) / 1000),
      left: this.#options.looks(number),
    };
    this.batches.push(batch);
    return { json: describe(batch) };
  }

  #list(url) {
    const newest = this.batches.toReversed();
    const after = url.searchParams.get('after');
    const from = after === null ? 0 : newest.findIndex((batch) => batch.id === after) + 1;
    const page = newest.slice(from, from + Math.min(2, Number(url.searchParams.get('limit'))));
    return { json: { object: 'list', data: page.map(describe), has_more: from + page.length < newest.length } };
  }

  #look(batch) {
    if (batch.status !== 'validating' && batch.status !== 'in_progress') return;
    batch.status = 'in_progress';
    batch.left -= 1;
    if (batch.left > 0) return;
    const end = this.#options.end(batch.number);
    const share = end === 'completed' ? 1 : end === 'expired' ? 0.5 : 0;
    this.#end(batch, end, share);
  }

  /** Answers the first share of a batch's requests; the rest is in its file of errors. */
  #end(batch, status, share) {
    batch.status = status;
    if (status === 'failed') {
      batch.errors = { object: 'list', data: [{ ...this.#options.why(batch.number), line: null }] };
      return;
    }
    const done = Math.round(batch.requests.length * share);
    const results = batch.requests.slice(0, done).map((each) => this.#result(each));
    const good = results.filter(({ response }) => response.status_code === 200).map((each) => JSON.stringify(each));
    const bad = results.filter(({ response }) => response.status_code !== 200);
    const left = batch.requests.slice(done).map((each) => ({
      id: 'batch_req',
      custom_id: each.custom_id,
      response: null,
      error: { code: `batch_${status}`, message: `This request could not be executed before the batch ${status}.` },
    }));
    const errors = [...bad, ...left].map((each) => JSON.stringify(each));
    if (good.length > 0) batch.outputFile = this.#keep(textOf(this.#options.output(good, batch.number)));
    if (errors.length > 0) batch.errorFile = this.#keep(textOf(errors));
  }

  #result({ custom_id, url, body }) {
    const hash = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32);
    const refusal = body.model === undefined ? 'you must provide a model' : this.#options.refuse?.(body);
    if (refusal !== undefined) {
      return {
        id: 'batch_req',
        custom_id,
        response: { status_code: 400, body: error(refusal, 'invalid_request_error') },
        error: null,
      };
    }
    this.paid.set(custom_id, (this.paid.get(custom_id) ?? 0) + 1);
    const { text, finishReason = 'stop' } = this.#options.answer(body, hash);
    const said = url === '/v1/completions' ? { text } : { message: { role: 'assistant', content: text } };
    const asked = body.prompt ?? body.messages.map((message) => message.content).join('');
    const usage = { prompt_tokens: Math.ceil(asked.length / 4), completion_tokens: Math.ceil(text.length / 4) };
    const choices = [{ index: 0, ...said, finish_reason: finishReason, logprobs: null }];
    const answer = { id: 'cmpl', object: 'completion', model: body.model, choices, usage };
    return { id: 'batch_req', custom_id, response: { status_code: 200, request_id: 'r', body: answer }, error: null };
  }

  #keep(content) {
    const id = `file-${this.#files.size}`;
    this.#files.set(id, content);
    return id;
  }
}

function describe(batch) {
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    errors: batch.errors ?? null,
    input_file_id: batch.inputFile,
    completion_window: '24h',
    status: batch.status,
    output_file_id: batch.outputFile ?? null,
    error_file_id: batch.errorFile ?? null,
    created_at: batch.createdAt,
    metadata: batch.metadata,
  };
}

function textOf(lines) {
  return lines.map((line) => `${line}\n`).join('');
}

function error(message, type) {
  return { error: { message, type, param: null, code: null } };
}

function send(response, status, json) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

async function bytesOf(request) {
  const chunks = [];
  for await (const part of request) chunks.push(part);
  return Buffer.concat(chunks);
}
