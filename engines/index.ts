// The public engines: language models and embedders behind the two ports of `headwater/operators`.
export { budgeted, type MinuteBudget } from './budgeted.js';
export { type JournaledOptions, journaled } from './journaled.js';
export { type LlamaOptions, llama } from './llama/llama.js';
export { metered } from './metered.js';
export { catalogue, type ModelEntry } from './models/catalogue.js';
export { type PulledModel, type PullOptions, type PullProgress, pull } from './models/pull.js';
export { type EndpointView, type OpenaiModel, type OpenaiOptions, openai } from './openai/openai.js';
export { type OpenaiBatchOptions, openaiBatch } from './openai-batch/openai-batch.js';
export { costOf, listPrice, type Price } from './prices.js';
export { recorded } from './recorded.js';
export { replay } from './replay.js';
export { requestHash } from './request-hash.js';
export { type SameModelOptions, sameModel } from './same-model.js';
export { type StaticEmbedderOptions, staticEmbedder } from './static/static-embedder.js';
