import type { Correction } from '../../schemas/correction.js';

type Region = NonNullable<Correction['regions']>[number];
type Attribute = NonNullable<Correction['attributes']>[number];

/**
 * What a correction says, as titles and sentences: what is written too little and too much (the `named` first of each), and whether the
 * real stream drifts.
 */
export function correctionLines(
  correction: Correction,
  named = 3,
): readonly (readonly [title: string, text: string])[] {
  const { regions = [], labels, drift, equality } = correction;
  const attributes = (correction.attributes ?? []).filter(isSure);
  const missing = regions.filter(({ real, synthetic }) => real > synthetic).slice(0, named);
  const surplus = regions.filter(({ real, synthetic }) => real < synthetic).slice(0, named);
  return [
    ...missing.map((region) => ['too little', regionText(region)] as const),
    ...surplus.map((region) => ['too much', regionText(region)] as const),
    ...(attributes.length === 0 ? [] : [['attributes', attributesText(attributes, named)] as const]),
    ...(labels === undefined || Object.keys(labels).length === 0 ? [] : [['labels', labelsText(labels)] as const]),
    ...(drift === undefined ? [] : [['drift', driftText(drift, correction.reference ?? 0)] as const]),
    ...(equality === undefined ? [] : [['equality', equalityText(equality)] as const]),
  ];
}

/** `"Room change for the planning …" (spam): 12.0 % of the real records, 3.1 % of the samples`. */
function regionText({ text, label, real, synthetic }: Region): string {
  const shown = [...text.replace(/\s+/gu, ' ')].slice(0, 60).join('');
  const of = label === undefined ? '' : ` (${label})`;
  return `${JSON.stringify(shown)}${of}: ${share(real)} of the real records, ${share(synthetic)} of the samples`;
}

/** Whether it is more than chance: beyond twice its standard error. */
function isSure({ witness, error = 0 }: Attribute): boolean {
  return Math.abs(witness) > 2 * error;
}

function attributesText(attributes: readonly Attribute[], named: number): string {
  const text = ({ label, name, value, count }: Attribute) =>
    `${name} ${value}${label === undefined ? '' : ` of ${label}`} (${count})`;
  const missing = attributes.filter(({ witness }) => witness > 0).slice(0, named);
  const surplus = attributes.filter(({ witness }) => witness < 0).slice(0, named);
  return [
    ...(missing.length === 0 ? [] : [`too little ${missing.map(text).join(', ')}`]),
    ...(surplus.length === 0 ? [] : [`too much ${surplus.map(text).join(', ')}`]),
  ].join('; ');
}

function labelsText(labels: NonNullable<Correction['labels']>): string {
  return Object.entries(labels)
    .map(([label, { real, synthetic }]) => `${label} ${share(real)} real, ${share(synthetic)} written`)
    .join('; ');
}

/** The last test of the real stream against its reference. */
function driftText(
  { statistic, threshold, expectedRunTime, tested, alarms }: NonNullable<Correction['drift']>,
  reference: number,
): string {
  const learning = expectedRunTime === null ? 'being learned' : 'being calibrated';
  const stands =
    threshold === null
      ? `${learning}, or cooling down`
      : `${statistic.toFixed(4)}, alarm above ${threshold.toFixed(4)}`;
  const raised = alarms === 0 ? 'no alarm' : `${alarms} alarm${alarms === 1 ? '' : 's'}, reference ${reference}`;
  const rate =
    expectedRunTime === null ? 'no rate of false alarms is promised' : `one false alarm in ${expectedRunTime}`;
  return `${stands}; ${raised}, ${tested} real records tested (${rate})`;
}

/** Whether the betting test tells samples from real records. */
function equalityText({ logWealth, pairs, alpha, rejected }: NonNullable<Correction['equality']>): string {
  if (pairs === 0) return 'not tested yet';
  const wealth = `wealth ${Math.exp(Math.min(logWealth, 50)).toPrecision(3)} of ${(1 / alpha).toFixed(0)}`;
  const verdict = rejected ? 'samples differ from real records' : 'not told apart from real records';
  return `${verdict} (${wealth} over ${pairs} pairs)`;
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
