import { defer, map, mergeMap, type OperatorFunction, of } from 'rxjs';

import type { Call } from '../../schemas/call.js';
import type { Domain } from '../../schemas/domain.js';
import { recordId } from '../../schemas/ids.js';
import type { Real } from '../../schemas/real.js';
import type { Sample } from '../../schemas/sample.js';
import type { Verdict } from '../../schemas/verdict.js';
import { inOrder, type Placed } from '../flow/in-order.js';
import type { Dead, Outcome } from '../flow/outcome.js';
import { hashFloat, hashUint32 } from '../kernels/random.js';
import type { LanguageModel } from '../language-model.js';
import { type Meter, silent } from '../meter.js';
import { abortable } from '../prompting/abortable.js';
import { deadOrThrow } from '../prompting/model-failure.js';
import { positiveInteger } from '../prompting/positive-integer.js';
import { callOf, callSeed, type SamplingOverrides, sampled } from '../prompting/sampling.js';
import { judgedPlace, judgeMessages, judgePromptId } from './judge-prompt.js';
import { JudgeRecord } from './judge-record.js';
import { RealWindow, type ShownReal } from './real-window.js';

export interface JudgeOptions {
  /** The judge, which answers a conversation; better than the writer, or it will find nothing. */
  readonly model: LanguageModel;
  readonly domain: Pick<Domain, 'about' | 'fields'>;
  readonly lane: number;
  /** What the operator's memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Of the choice of samples, places and real records. */
  readonly seed: number;
  /** Share of the samples that are judged, by the hash of their ids. @default 0.1 */
  readonly share?: number;
  /** The chance of ever calling indistinguishable samples detectable or mode-seeking. @default 0.05 */
  readonly alpha?: number;
  /** The newest real records, which are kept. @default 512 */
  readonly window?: number;
  /** Model calls for one sample, each paid for, before its answer counts as unreadable. @default 2 */
  readonly attempts?: number;
  /** Samples that are judged at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number;
  /** @default temperature 0, maxTokens 512 */
  readonly sampling?: SamplingOverrides | undefined;
  /** Counts `judge_attempts`, and `judge_unreadable`. @default counts nothing */
  readonly meter?: Meter;
}

type In = Sample | Real;

/** A sample among real records. */
interface Question {
  readonly sample: Sample;
  /** Of the sample, from 1. */
  readonly place: number;
  readonly reals: readonly ShownReal[];
}

/** What is left to say of an input, once those before it have been settled. */
type Pending =
  | { readonly kind: 'ended'; readonly outcome: Outcome<In, Verdict> }
  | Answered
  | { readonly kind: 'dead'; readonly outcome: Dead<In> };

interface Answered {
  readonly kind: 'answered';
  readonly question: Question;
  /** Null where none could be read. */
  readonly answer: number | null;
  readonly said: string;
  readonly calls: Call[];
}

const shownReals = 3;
const shownOfAnswer = 300;

/**
 * Samples and real records in, a verdict for each judged sample out: can a judge tell it from real ones?
 *
 * A sample stands at a uniform place among three of the newest real records, of its label where there are enough; the judge names the
 * one that was made. The rate at which it is wrong is 0.75 by guessing; each verdict has the rate so far with an interval and e-values
 * that hold however often one looks (`SequentialRate`): below, samples are detectable; above, they are more typical than real ones.
 * Only the number after the answer's tag is read; an answer without one from 1 to 4 is asked for again, then it is `unreadable` and
 * counts as neither. BARE §4.2.
 *
 * In order of arrival. Real records are absorbed, and so are samples that are not chosen; a sample that comes before three real records is
 * *dropped* (`too-few-real`), one whose call fails is *dead* as in `draft`. Which samples, places and real records are taken depends on
 * ids, the seed and what came before alone. Kept: `window` real texts and a few numbers. Inputs wait for the answers before them, so the
 * source must be bounded by credit. Unsubscribing aborts what is in flight.
 *
 * @example
 * ```ts
 * const verdicts = records.pipe(judge({ model, domain, lane: 0, memory: new Map(), seed: 7, share: 1 }), emitted());
 * ```
 */
export function judge(options: JudgeOptions): OperatorFunction<In, Outcome<In, Verdict>> {
  const { model, domain, lane, memory, seed, share = 0.1, alpha = 0.05, meter = silent } = options;
  const window = positiveInteger('window', options.window ?? 512);
  const attempts = positiveInteger('attempts', options.attempts ?? 2);
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  if (!(share > 0 && share <= 1)) throw new TypeError(`share: expected a number in (0, 1], got ${share}`);
  const sampling = sampled({ temperature: 0, maxTokens: 512 }, options.sampling);

  async function answered(question: Question, signal: AbortSignal): Promise<Pending> {
    const { sample } = question;
    const messages = judgeMessages(domain, textsOf(question));
    const randomSeed = hashUint32(seed, 'judge-call', sample.id);
    const calls: Call[] = [];
    let said = '';
    let answer: number | null = null;
    for (let attempt = 0; attempt < attempts && answer === null; attempt += 1) {
      meter.count('judge_attempts');
      const callsSeed = callSeed(randomSeed, 'judge', attempt);
      try {
        const completion = await model.chat({ messages, ...sampling, seed: callsSeed, signal, cause: sample.id });
        calls.push(callOf('judge', judgePromptId, sampling, callsSeed, completion));
        said = completion.text;
        // the last number of an answer that was cut may have lost digits
        if (completion.finishReason === 'stop') answer = judgedPlace(said) ?? null;
      } catch (error) {
        return { kind: 'dead', outcome: deadOrThrow(sample, error, calls) };
      }
    }
    return { kind: 'answered', question, answer, said, calls };
  }

  return (source) =>
    defer(() => {
      const reals = new RealWindow(window, memory);
      const record = new JudgeRecord(alpha, memory);

      /** In order of arrival: what a sample is shown among does not depend on how fast a model answers. */
      function begun(input: In): Pending | Question {
        if (input.kind === 'real') return ended({ kind: 'absorbed', input, changes: reals.push(input) });
        if (hashFloat(seed, 'judge', input.id) >= share) return ended({ kind: 'absorbed', input });
        const drawn = reals.draw(shownReals, input.label, hashUint32(seed, 'judge-real', input.id));
        if (drawn !== undefined) {
          return { sample: input, place: 1 + (hashUint32(seed, 'judge-place', input.id) % 4), reals: drawn };
        }
        return ended({ kind: 'dropped', input, reason: 'too-few-real', detail: `${reals.size} real records so far` });
      }

      function settled(pending: Pending): Outcome<In, Verdict> {
        if (pending.kind === 'ended') return pending.outcome;
        if (pending.kind === 'dead') {
          record.take('dead', pending.outcome.calls ?? []);
          return { ...pending.outcome, changes: record.changes };
        }
        const { question, answer, said, calls } = pending;
        const outcome = answer === null ? 'unreadable' : answer === question.place ? 'detected' : 'disguised';
        if (outcome === 'unreadable') meter.count('judge_unreadable');
        record.take(outcome, calls);
        const verdict = verdictOf(question, { answer, outcome, said: said.slice(-shownOfAnswer), calls });
        return { kind: 'emitted', input: question.sample, outputs: [verdict], changes: record.changes };
      }

      function verdictOf(
        { sample, place, reals: shown }: Question,
        answer: Pick<Verdict, 'answer' | 'outcome' | 'said' | 'calls'>,
      ): Verdict {
        return {
          kind: 'verdict',
          id: recordId('verdict', sample.id),
          lane,
          sampleId: sample.id,
          realIds: shown.map(({ id }) => id),
          place,
          ...answer,
          running: record.running,
          spent: record.spent,
          at: sample.createdAt,
        };
      }

      return source.pipe(
        map((input, place) => ({ place, begun: begun(input) })),
        mergeMap(({ place, begun: step }) => {
          const placed = (value: Pending): Placed<Pending> => ({ place, value });
          if ('kind' in step) return of(placed(step));
          return abortable(async (signal) => placed(await answered(step, signal)));
        }, maxInFlight),
        inOrder(),
        map(settled),
      );
    });
}

function ended(outcome: Outcome<In, Verdict>): Pending {
  return { kind: 'ended', outcome };
}

/** The real texts in order, with the sample's at its place. */
function textsOf({ sample, place, reals }: Question) {
  return reals.map(({ fields }) => fields).toSpliced(place - 1, 0, sample.fields);
}
