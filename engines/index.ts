// The public engines: language models and embedders behind the two ports of `headwater/operators`.
export { journaled } from './journaled.js';
export { type LlamaOptions, llama } from './llama/llama.js';
export { metered } from './metered.js';
export { catalogue, type ModelEntry } from './models/catalogue.js';
export { type PulledModel, type PullOptions, type PullProgress, pull } from './models/pull.js';
export { type OpenaiOptions, openai } from './openai/openai.js';
export { recorded } from './recorded.js';
export { replay } from './replay.js';
export { requestHash } from './request-hash.js';
export { type StaticEmbedderOptions, staticEmbedder } from './static/static-embedder.js';
