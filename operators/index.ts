// The public operators: everything that works on any Observable, without topics or a runtime.
export { type DraftOptions, draft } from './bare/draft.js';
export { type PlanOptions, plan } from './bare/plan.js';
export { type PlannerOptions, planOf } from './bare/planner.js';
export { type RefineOptions, refine } from './bare/refine.js';
export type { SamplingOverrides } from './bare/sampling.js';
export { unrefined } from './bare/unrefined.js';
export type { Embedder } from './embedder.js';
export { chain } from './flow/chain.js';
export { emitted } from './flow/emitted.js';
export { type InPlanOrderOptions, inPlanOrder } from './flow/in-plan-order.js';
export type { Absorbed, Changes, Dead, Dropped, Emitted, Outcome } from './flow/outcome.js';
export { type QuotaOptions, quota } from './flow/quota.js';
export { scoped } from './flow/scoped.js';
export { surplusAfter } from './flow/surplus-after.js';
export type { Journal } from './journal.js';
export type {
  ChatMessage,
  ChatRequest,
  Completion,
  CompletionRequest,
  LanguageModel,
  Sampling,
  Usage,
} from './language-model.js';
export { type Meter, silent } from './meter.js';
export { type GateOptions, gate } from './quality/gate.js';
export { type Finding, type Rule, rulesOf } from './quality/rules.js';
export { type EmbedOptions, embed } from './synalign/embed.js';
export type { EmbeddedReal } from './synalign/embedded-real.js';
export { type RollingMmdOptions, rollingMmd } from './synalign/rolling-mmd.js';
