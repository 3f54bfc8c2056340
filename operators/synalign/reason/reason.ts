import { map, mergeMap, Observable, type OperatorFunction, Subject } from 'rxjs';
import type { Call } from '../../../schemas/call.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Attributes, Plan } from '../../../schemas/plan.js';
import type { Reasoned } from '../../../schemas/reasoned.js';
import type { ReasonStep } from '../../../schemas/steps/synalign.js';
import type { OpenAnswers } from '../../flow/open-answers.js';
import type { Changes, Outcome } from '../../flow/outcome.js';
import { abortable } from '../../prompting/abortable.js';
import { deadOrThrow } from '../../prompting/model-failure.js';
import { positiveInteger } from '../../prompting/positive-integer.js';
import type { PaidCall } from '../../spending.js';
import {
  type AskedAttributes,
  type AttributeQuestions,
  attributeQuestions,
  QuestionRefused,
} from './asked-attributes.js';
import { AttributeStore, type Found, type Sheet } from './attribute-store.js';
import { reasonedId } from './of-reasoned.js';
import { steeredValues } from './steered-values.js';

export interface ReasonOptions extends Omit<AttributeQuestions, 'settings'> {
  /** Plans of other lanes are refused, and their endings do not count. */
  readonly lane: number;
  readonly settings: ReasonStep;
  /** What the operator's memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /**
   * Plans outstanding at once, as the planner has it: plan n waits for the endings below n + 1 - window, which it knows to have come.
   * @default endings do not count, and are not waited for
   */
  readonly window?: number | undefined;
  /** Regions whose answers are kept. @default 512 */
  readonly regions?: number | undefined;
  /** Questions that are asked at once. @default the model's `maxInFlight` */
  readonly maxInFlight?: number | undefined;
  /** Aborted when no more is wanted: what has not ended is dropped as `surplus`, and so is what comes; endings are still counted. */
  readonly complete?: AbortSignal | undefined;
  /** What was answered on behalf of plans that have not ended: their drop as `surplus` has these calls. */
  readonly answers?: Pick<OpenAnswers, 'of' | 'forget'> | undefined;
}

type In = Plan | LedgerEntry;
type Ended = Outcome<In, Reasoned>;

/** A plan that has begun, in the order of arrival. */
interface Line {
  readonly plan: Plan;
  readonly sheet: Sheet;
  /** Of its beginning. */
  readonly changes: Changes;
  /** What was asked on its behalf. */
  calls: readonly Call[];
  /** Set when it has its attributes. */
  found?: Found;
  /** Whether they were found for it. */
  asked?: boolean;
  /** Set instead where there are none. */
  failure?: Ended;
}

/**
 * Plans in, the same with attributes out: what a model finds that a plan's examples, all of them, are like.
 *
 * One answer serves up to `settings.uses` plans of a region and label, in the order of the plans; the first asks and the others wait. Where
 * no attempt gives a usable attribute the plan that asked is *dropped* (`no-attributes`), where the model refuses it is *dead* as in
 * `draft`, and the next one that waits asks in its turn: a failure costs one plan. Attributes whose yield is far below the others' are
 * asked for anew. What corrections find too much of is left out of a plan's attributes, or replaced (`steeredValues`). The plan that asked
 * has all that was paid; those that share its answer have the call without tokens or cost, so that sums over plans are what was paid.
 * SynAlign, module 2.
 *
 * Ledger entries are absorbed. Plans end in the order in which they came, and which plan has which attributes depends on the
 * plans, their endings and the answers alone, whatever the timing. Kept: see `AttributeStore`. Plans wait in memory, so the source must be bounded
 * by credit; those that wait for endings when the source completes get no outcome. Unsubscribing aborts what is in flight.
 *
 * @example
 * ```ts
 * const reasoned = plans.pipe(reason({ model, role: 'instruct', domain, settings, lane: 0, memory: new Map() }), emitted());
 * ```
 */
export function reason(options: ReasonOptions): OperatorFunction<In, Ended> {
  const { model, lane, memory, settings, window, regions, complete, answers } = options;
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight ?? model.maxInFlight);
  const uses = positiveInteger('uses', settings.uses);
  if (window !== undefined) positiveInteger('window', window);
  const ask = attributeQuestions(options);

  return (source) =>
    new Observable<Ended>((subscriber) => {
      const store = new AttributeStore({ memory, uses, window, ...(regions === undefined ? {} : { regions }) });
      /** Plans that wait for endings, in order. */
      const waiting: Plan[] = [];
      /** Begun plans in order; the first has not ended, but while lines are being released. */
      const lines: Line[] = [];
      /** By answer that is being asked for, the plans that share it; the first of them asks. */
      const sharing = new Map<Sheet, Line[]>();
      const questions = new Subject<Line>();
      let sourceCompleted = false;

      function enter(input: In): void {
        if (input.lane !== lane) subscriber.next(misplaced(input, lane));
        else if (input.kind === 'ledger-entry') {
          subscriber.next({ kind: 'absorbed', input, changes: store.end(input) });
          proceed();
        } else if (complete?.aborted) subscriber.next(surplus(input));
        else {
          waiting.push(input);
          proceed();
        }
      }

      function proceed(): void {
        for (;;) {
          release();
          const next = waiting[0];
          if (next === undefined || !store.ready(next, lines[0]?.plan)) break;
          waiting.shift();
          begin(next);
        }
        if (sourceCompleted && lines.length === 0) questions.complete();
      }

      function begin(plan: Plan): void {
        const { sheet, changes } = store.begin(plan);
        const line: Line = { plan, sheet, changes, calls: [] };
        lines.push(line);
        const others = sharing.get(sheet);
        if (sheet.found !== undefined) line.found = sheet.found;
        else if (others !== undefined) others.push(line);
        else {
          sharing.set(sheet, [line]);
          questions.next(line);
        }
      }

      function answered(line: Line, result: Answer): void {
        const { sheet, plan } = line;
        const others = sharing.get(sheet)?.slice(1) ?? [];
        line.calls = result.calls;
        if ('failure' in result) {
          line.failure = result.failure;
          askNext(sheet, others);
        } else {
          sheet.found = foundBy(plan, result);
          line.asked = true;
          for (const each of [line, ...others]) each.found = sheet.found;
          sharing.delete(sheet);
        }
        proceed();
      }

      function askNext(sheet: Sheet, others: Line[]): void {
        const [next] = others;
        if (next === undefined) sharing.delete(sheet);
        else {
          sharing.set(sheet, others);
          questions.next(next);
        }
      }

      function release(): void {
        for (let head = lines[0]; head !== undefined && hasEnded(head); head = lines[0]) {
          lines.shift();
          answers?.forget(head.plan.id);
          subscriber.next(endOf(head));
        }
      }

      function endOf({ plan, sheet, changes, calls, found, asked = false, failure }: Line): Ended {
        if (found === undefined) return { ...(failure ?? surplus(plan)), changes };
        const attributes: Attributes = {
          id: found.id,
          ...steeredValues(found.values, plan),
          calls: asked ? [...calls] : [...calls, found.call],
          askedFor: found.askedFor,
        };
        const written = store.written(plan, sheet, { found, asked, values: attributes.values });
        const output: Reasoned = { kind: 'reasoned', id: reasonedId(plan.id), plan: { ...plan, attributes } };
        return { kind: 'emitted', input: plan, outputs: [output], changes: [...changes, ...written] };
      }

      /** What the memory would learn of them is forgotten: nothing was written from it. */
      function stop(): void {
        asking.unsubscribe();
        const left: Ended[] = [
          ...lines.map(({ plan, calls }) => surplus(plan, answers?.of(plan.id) ?? calls)),
          ...waiting.map((plan) => surplus(plan)),
        ];
        for (const list of [lines, waiting]) list.length = 0;
        for (const outcome of left) subscriber.next(outcome);
        if (sourceCompleted) subscriber.complete();
      }

      const asking = questions
        .pipe(
          mergeMap(
            (line) =>
              abortable((signal) => answerFor(line.plan, ask, signal)).pipe(map((result) => ({ line, result }))),
            maxInFlight,
          ),
        )
        .subscribe({
          next: ({ line, result }) => answered(line, result),
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
      subscriber.add(asking);
      complete?.addEventListener('abort', stop, { once: true });
      subscriber.add(() => complete?.removeEventListener('abort', stop));
      function ended(): void {
        sourceCompleted = true;
        if (complete?.aborted) subscriber.complete();
        else proceed();
      }

      subscriber.add(source.subscribe({ next: enter, error: (error) => subscriber.error(error), complete: ended }));
    });
}

type Answer =
  | (AskedAttributes & { readonly values: Readonly<Record<string, string>> })
  | { readonly failure: Ended; readonly calls: readonly Call[] };

async function answerFor(
  plan: Plan,
  ask: (plan: Plan, signal: AbortSignal) => Promise<AskedAttributes>,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const result = await ask(plan, signal);
    const { values, calls, said } = result;
    if (values !== undefined) return { ...result, values };
    const detail = `no attribute in ${JSON.stringify(said)}`;
    return { failure: { kind: 'dropped', input: plan, reason: 'no-attributes', detail, calls }, calls };
  } catch (error) {
    if (!(error instanceof QuestionRefused)) throw error;
    const { cause, calls } = error;
    return { failure: deadOrThrow(plan, cause, calls), calls };
  }
}

function foundBy(plan: Plan, { values, attempt, calls }: Extract<Answer, AskedAttributes>): Found {
  const id = recordId('attributes', plan.id, attempt);
  const last = calls.at(-1);
  if (last === undefined) throw new TypeError(`the plan ${plan.id} has attributes without a call`);
  const { reused: _, ...paid } = last;
  return { id, values, askedFor: plan.id, call: { ...paid, promptTokens: 0, completionTokens: 0, cost: 0 } };
}

function hasEnded({ found, failure }: Line): boolean {
  return found !== undefined || failure !== undefined;
}

function surplus(plan: Plan, calls: readonly PaidCall[] = []): Ended {
  return { kind: 'dropped', input: plan, reason: 'surplus', detail: 'no more samples are wanted', calls };
}

/** Endings of other lanes are no concern of this one; plans of them are on the wrong topic partition. */
function misplaced(input: In, lane: number): Ended {
  if (input.kind === 'ledger-entry') return { kind: 'absorbed', input };
  const message = `the plan ${input.id} belongs to lane ${input.lane}, and came on lane ${lane}`;
  return { kind: 'dead', input, code: 'record-invalid', message };
}
