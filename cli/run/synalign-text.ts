import type { SynalignStatus } from '../../streams/river/synalign-status.js';

/** How the real stream was explored and samples were weighted, as titles and sentences, by lane where there are several. */
export function synalignLines({
  exploration,
  attributes,
  weights,
}: SynalignStatus): readonly (readonly [string, string])[] {
  const many = exploration.length > 1 || weights.length > 1;
  const of = (lane: number) => (many ? `lane ${lane}: ` : '');
  return [
    ...exploration.map((report) => ['explored', `${of(report.lane)}${explorationText(report)}`] as const),
    ...attributes.map((figures) => ['found', `${of(figures.lane)}${attributesText(figures)}`] as const),
    ...weights.map(({ lane, labels }) => ['weights', `${of(lane)}${labels.map(weightText).join('; ')}`] as const),
  ];
}

type Exploration = SynalignStatus['exploration'][number];

function explorationText({ seen, explored, candidates, lengthScale, informative }: Exploration): string {
  const scale = lengthScale === null ? 'no length scale yet' : `length scale ${lengthScale.toFixed(3)}`;
  return [
    `${total(explored)} of ${total(candidates)} candidates (${seen} real records came)`,
    scale,
    ...(informative === false
      ? ['it tells no records apart: their embeddings are all alike, or all equally far apart']
      : []),
  ].join(', ');
}

/** Values of an attribute that are named, the most frequent. */
const namedValues = 4;

/** `topic: orders 12, software 9, ...; tone: polite 20; 41 of the first 50 plans became samples`. */
function attributesText({ values, ended, accepted, regions }: SynalignStatus['attributes'][number]): string {
  const names = Object.entries(values).map(([name, counts]) => {
    const shown = counts.slice(0, namedValues).map(({ value, count }) => `${value} ${count}`);
    return `${name}: ${shown.join(', ')}${counts.length > namedValues ? ', ...' : ''}`;
  });
  const found = names.length === 0 ? 'no attributes yet' : names.join('; ');
  const became = ended === 0 ? '' : `${accepted} of the first ${ended} plans became samples, `;
  return `${found}; ${became}${regions} answers are kept`;
}

type Weight = SynalignStatus['weights'][number]['labels'][number];

/** `ham: worth 412.3 of 512 samples`. */
function weightText({ label, texts, real, solution }: Weight): string {
  const name = label === null ? '' : `${label}: `;
  if (real === 0) return `${name}weight 1, no real record yet to hold them against`;
  if (solution === null) return `${name}weight 1, too few yet (${texts} samples, ${real} real records)`;
  return `${name}worth ${solution.effectiveSampleSize.toFixed(1)} of ${solution.size} samples`;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
