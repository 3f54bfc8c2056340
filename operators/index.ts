// The public operators: everything that works on any Observable, without topics or a runtime.
export type { WriterOptions } from './bare/attempts.js';
export { type DraftOptions, draft } from './bare/draft.js';
export { type FewShotOptions, fewShot } from './bare/few-shot.js';
export { given } from './bare/given.js';
export { type InOneOptions, inOne } from './bare/in-one.js';
export { type RefineOptions, refine } from './bare/refine.js';
export { type SequentialOptions, sequential } from './bare/sequential.js';
export { unrefined } from './bare/unrefined.js';
export type { Embedder } from './embedder.js';
export { chain } from './flow/chain.js';
export { emitted } from './flow/emitted.js';
export { inArrivalOrder } from './flow/in-arrival-order.js';
export { type InPlanOrderOptions, inPlanOrder } from './flow/in-plan-order.js';
export { OpenAnswers } from './flow/open-answers.js';
export type { Absorbed, Changes, Dead, Dropped, Emitted, Outcome } from './flow/outcome.js';
export { type QuotaOptions, quota } from './flow/quota.js';
export { scoped } from './flow/scoped.js';
export { surplusAfter } from './flow/surplus-after.js';
export type { Journal, PaidAnswers } from './journal.js';
export type {
  ChatMessage,
  ChatRequest,
  Completion,
  CompletionRequest,
  LanguageModel,
  Sampling,
  TokenLogprob,
  Usage,
} from './language-model.js';
export { type Meter, silent } from './meter.js';
export { type PlanOptions, plan } from './planning/plan.js';
export { type Drawn, type PlanOfOptions, planOf } from './planning/plan-of.js';
export { layoutFor } from './prompting/layouts/layout-for.js';
export { draftPromptOf, refinePromptOf, type SentPrompt } from './prompting/prompts-of.js';
export type { SamplingOverrides } from './prompting/sampling.js';
export type { DuplicateRules } from './quality/accepted-memory.js';
export { BenchmarkIndex, type BenchmarkIndexOptions, type BenchmarkText } from './quality/benchmark-index.js';
export { type DecontaminateOptions, decontaminate } from './quality/decontaminate.js';
export { DistinctGrams, wordHashes } from './quality/distinct-grams.js';
export { editDistance } from './quality/edit-distance.js';
export type { EmbeddedDraft } from './quality/embedded-draft.js';
export { type GateOptions, gate } from './quality/gate.js';
export { type JudgeOptions, judge } from './quality/judge.js';
export { type DetectLanguage, languageDetector } from './quality/language.js';
export { type MeasureOptions, measure } from './quality/measure.js';
export { type Near, NearDuplicates, type NearDuplicatesOptions, type Signature } from './quality/near-duplicates.js';
export { type PersonalData, personalDataKinds } from './quality/personal-data.js';
export type { Finding, Rule } from './quality/rule.js';
export { rulesOf, type TextRules } from './quality/rules.js';
export { wordsOf } from './quality/words.js';
export { type WeighOptions, type WeighReport, weigh, weighReport } from './synalign/align/weigh.js';
export { type EmbedOptions, embed } from './synalign/embed.js';
export type { EmbeddedReal } from './synalign/embedded-real.js';
export type { EmbeddedRefined } from './synalign/embedded-refined.js';
export {
  type Drawing,
  Exploration,
  type ExplorationDraw,
  type ExplorationOptions,
  type ExplorationReport,
} from './synalign/explore/exploration.js';
export type { CalibratedDrift, DriftOptions, NewmaDrift } from './synalign/mmd/drift-options.js';
export { type MergedMmd, type MergedMmdOptions, mergedMmd } from './synalign/mmd/merged-mmd.js';
export { type RollingMmdOptions, rollingMmd } from './synalign/mmd/rolling-mmd.js';
export { type AttributeFigures, attributeFiguresOf } from './synalign/reason/attribute-figures.js';
export { journalOfPlans, ofReasoned } from './synalign/reason/of-reasoned.js';
export { type ReasonOptions, reason } from './synalign/reason/reason.js';
export { type AttributeForm, reasonPromptOf } from './synalign/reason/reason-prompt.js';
export { sampled } from './synalign/sampled.js';
