import { correctionLines } from './correction-text.js';
import { costText } from './cost-text.js';
import { endpointTexts } from './endpoint-text.js';
import { judgeText, shortDiversityText } from './quality-text.js';
import type { RunView, StageView } from './run-view.js';

const bars = '▁▂▃▄▅▆▇█';

/** A line of bars for numbers, oldest first, scaled between their least and greatest. */
export function sparkline(values: readonly number[]): string {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return values.map((value) => bars[span === 0 ? 0 : Math.round(((value - low) / span) * (bars.length - 1))]).join('');
}

/** The picture of a run for a terminal: stages, rates, reasons, MMD. */
export function renderTable(view: RunView): string {
  const width = Math.max(...view.stages.map(({ name }) => name.length), 5);
  const header = `  ${'stage'.padEnd(width)} ${columns.map((column) => column.padStart(9)).join('')}`;
  const rows = view.stages.map(
    (stage) =>
      `  ${stage.name.padEnd(width)} ${numbersOf(stage)
        .map((n) => grouped(n).padStart(9))
        .join('')}`,
  );
  return [
    `${view.name}  ${progress(view)}`,
    '',
    header,
    ...rows,
    '',
    `  models    ${models(view)}`,
    ...endpointTexts(view.endpoints ?? []).map((text) => `  endpoint  ${text}`),
    `  ended     ${reasons(view)}`,
    `  MMD²      ${mmd(view)}`,
    ...steeringLines(view),
    `  diversity ${shortDiversityText(view.quality)}`,
    ...judgeLines(view),
    `  shards    ${view.shards} in ${view.shardDir}`,
  ].join('\n');
}

/** The same in one line, for a pipe. */
export function renderLine(view: RunView): string {
  const measured = view.quality === undefined ? [] : [shortDiversityText(view.quality)];
  const alarms = view.correction?.drift?.alarms ?? 0;
  const drifted = alarms === 0 ? [] : [`drift alarms ${alarms}`];
  return [progress(view), models(view), `ended ${reasons(view)}`, `MMD² ${mmd(view)}`, ...drifted, ...measured].join(
    ' · ',
  );
}

/** What is missing most and what is too much, and whether the real stream drifts, in lines as wide as a terminal. */
function steeringLines({ correction }: RunView): readonly string[] {
  if (correction === undefined) return [];
  return correctionLines(correction, 1).map(
    ([title, text]) => `  ${title.padEnd(9)} ${[...text].slice(0, 100).join('')}`,
  );
}

function judgeLines({ judge }: RunView): readonly string[] {
  return judge === undefined || judge === null ? [] : [`  judge     ${judgeText(judge)}`];
}

/** Time as `m:ss`, or `h:mm:ss`. */
export function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const columns = ['in flight', 'lag', 'emitted', 'dropped', 'dead'];

function numbersOf({ inFlight, lag, counts }: StageView): readonly number[] {
  return [inFlight, lag, counts.emitted, total(counts.dropped), total(counts.dead)];
}

function progress({ accepted, acceptedBefore, target, elapsedMs }: RunView): string {
  const made = accepted - acceptedBefore;
  const eta = target === null || made === 0 ? undefined : ((target - accepted) * elapsedMs) / made;
  return [
    target === null ? `${grouped(accepted)} accepted` : `${grouped(accepted)} of ${grouped(target)} accepted`,
    clock(elapsedMs),
    ...(eta === undefined ? [] : [`ETA ${clock(eta)}`]),
  ].join(' · ');
}

function models({ roles, elapsedMs, cost, accepted, acceptedBefore }: RunView): string {
  if (roles.length === 0) return 'not asked yet';
  const rates = roles.map(
    ({ role, completionTokens }) => `${role} ${((completionTokens * 1000) / elapsedMs).toFixed(1)} tok/s`,
  );
  const made = accepted - acceptedBefore;
  return [...rates, cost === null ? 'cost unknown' : costText(cost, made)].join(', ');
}

function reasons({ accepted, stages }: RunView): string {
  const ended = stages.flatMap(({ name, counts }) => [
    ...Object.entries(counts.dropped).map(([reason, n]) => `${name}/${reason} ${grouped(n)}`),
    ...Object.entries(counts.dead).map(([code, n]) => `${name}/${code} ${grouped(n)} (dead)`),
  ]);
  return [`accepted ${grouped(accepted)}`, ...ended].join(', ');
}

function mmd({ mmd2 }: RunView): string {
  const newest = mmd2[mmd2.length - 1];
  return newest === undefined ? 'not known yet' : `${newest.toFixed(4)} ${sparkline(mmd2)}`;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
