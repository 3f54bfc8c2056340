import type { Call } from '../../../schemas/call.js';
import type { Domain } from '../../../schemas/domain.js';
import type { Plan } from '../../../schemas/plan.js';
import type { ReasonStep } from '../../../schemas/steps/synalign.js';
import { hashUint32 } from '../../kernels/random.js';
import type { LanguageModel } from '../../language-model.js';
import { type Meter, silent } from '../../meter.js';
import { positiveInteger } from '../../prompting/positive-integer.js';
import { callOf, type SamplingOverrides, sampled } from '../../prompting/sampling.js';
import { askedNames, attributesIn, lengthName, namedLines } from './attributes.js';
import { namedTexts } from './loose-json.js';
import {
  type AttributeForm,
  jsonQuestion,
  linesQuestion,
  openedLine,
  reasonPromptId,
  tokensOfLines,
} from './reason-prompt.js';
import { textLength } from './text-length.js';

/** Who is asked about examples, and how. */
export interface AttributeQuestions {
  readonly model: LanguageModel;
  readonly role: 'base' | 'instruct';
  readonly domain: Domain;
  readonly settings: Pick<ReasonStep, 'answer' | 'attributes' | 'maxCopiedWords' | 'attempts'>;
  /** @default temperature 0.7, maxTokens 1000 */
  readonly sampling?: SamplingOverrides | undefined;
  /** Counts `reason_attempts`, and `reason_retries`. @default counts nothing */
  readonly meter?: Meter | undefined;
}

/** What came of a question. */
export interface AskedAttributes {
  /** Undefined where no answer had a usable one. */
  readonly values: Readonly<Record<string, string>> | undefined;
  readonly attempt: number;
  /** What the last answer said, for a person. */
  readonly said: string;
  readonly calls: readonly Call[];
}

/** A model rejected a question, after these calls. */
export class QuestionRefused extends Error {
  constructor(
    override readonly cause: unknown,
    readonly calls: readonly Call[],
  ) {
    super('a model refused');
  }
}

const shownOfAnswer = 200;

/**
 * A function that asks a model what the examples of a plan are like, until an answer has a usable attribute.
 *
 * Each attempt has a random seed of its own, derived from the plan's. Where `length` is asked for, it is counted in the examples, and
 * the model is asked for the others. Rejects with `QuestionRefused`, with what the model rejects with as its cause. Throws `TypeError`
 * for options that leave nothing to ask.
 */
export function attributeQuestions(
  options: AttributeQuestions,
): (plan: Plan, signal: AbortSignal) => Promise<AskedAttributes> {
  const { model, role, domain, settings, meter = silent } = options;
  const attempts = positiveInteger('attempts', settings.attempts);
  const form = settings.answer ?? (role === 'base' ? 'lines' : 'json');
  const { names, isCounted } = namesOf(domain, settings.attributes);
  const sampling = samplingOf(form, names, options.sampling);

  async function answerTo(plan: Plan, seed: number, signal: AbortSignal) {
    const settled = { ...sampling, seed, signal, cause: plan.id };
    if (form === 'json') return model.chat({ ...jsonQuestion(domain, plan.examples, names), ...settled });
    return model.complete({ ...linesQuestion(domain, plan.examples, names), ...settled });
  }

  function read(answer: string, sources: readonly string[]) {
    const found = form === 'json' ? namedTexts(withoutThought(answer)) : linesIn(answer, names);
    return attributesIn(found, { names, domain, sources, maxCopiedWords: settings.maxCopiedWords });
  }

  return async (plan, signal) => {
    const sources = plan.examples.flatMap(({ fields }) => Object.values(fields));
    const calls: Call[] = [];
    let said = '';
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (attempt > 0) meter.count('reason_retries');
      meter.count('reason_attempts');
      const seed = hashUint32(plan.randomSeed, 'reason', attempt);
      try {
        const completion = await answerTo(plan, seed, signal);
        calls.push(callOf(role, reasonPromptId(form), sampling, seed, completion));
        said = completion.text.slice(0, shownOfAnswer);
        const values = read(completion.text, sources);
        if (values !== undefined) {
          return { values: isCounted ? withLength(values, plan) : values, attempt, said, calls };
        }
      } catch (error) {
        throw new QuestionRefused(error, calls);
      }
    }
    return { values: undefined, attempt: attempts, said, calls };
  };
}

/** The names that a model is asked for, and whether the length is counted beside them. */
export function namesOf(domain: Domain, attributes: readonly string[]) {
  const all = askedNames(domain, attributes);
  const names = all.filter((name) => name !== lengthName);
  if (names.length > 0) return { names, isCounted: names.length < all.length };
  // A length alone would leave no question.
  if (all.length > 0) return { names: all, isCounted: false };
  throw new TypeError(`attributes: expected a name that is not one of the domain's, got ${attributes.join(', ')}`);
}

function samplingOf(form: AttributeForm, names: readonly string[], overrides: SamplingOverrides | undefined) {
  const sampling = sampled({ temperature: 0.7, maxTokens: 1000 }, overrides);
  return form === 'json' ? sampling : { ...sampling, maxTokens: Math.min(sampling.maxTokens, tokensOfLines(names)) };
}

/** What a reasoning model thinks aloud holds braces too. */
function withoutThought(answer: string): string {
  const end = answer.lastIndexOf('</think>');
  return end < 0 ? answer : answer.slice(end);
}

/** A model may say the opened name again. */
function linesIn(answer: string, names: readonly string[]) {
  const opened = openedLine(names);
  const text = answer.slice(0, longestLines);
  return namedLines(text.trimStart().startsWith(opened) ? text : `${opened}${text}`, names);
}

const longestLines = 2 ** 16;

function withLength(values: Readonly<Record<string, string>>, { examples }: Plan): Readonly<Record<string, string>> {
  const length = textLength(examples.map(({ fields }) => Object.values(fields).join(' ')));
  return length === undefined ? values : { ...values, [lengthName]: length };
}
