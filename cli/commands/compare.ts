import { compareFiles } from '../compare/compare-files.js';
import type { MmdOptions } from '../compare/mmd-options.js';
import { comparedLine, comparisonTable } from '../compare/render-comparison.js';
import { fileCommand } from '../files/file-command.js';
import type { Io } from '../io.js';

export interface CompareCommandOptions extends MmdOptions {
  readonly real: string;
  readonly synthetic: string;
  readonly fields?: readonly string[];
  readonly vectors?: string;
  readonly sample?: number;
  readonly seed?: number;
}

/** `headwater compare`: how alike two files are, how varied each is, what repeats; `--json` prints a `Comparison`. */
export function compare({ real, synthetic, ...figures }: CompareCommandOptions, io: Io): Promise<number> {
  return fileCommand(io, [real, synthetic], async ({ tell, say, ...work }) => {
    const comparisons = await compareFiles(real, [synthetic], {
      ...figures,
      ...work,
      watch: {
        chosen: (columns, plainText) => say(comparedLine(columns, plainText)),
        reading: (file, records) => tell(`${file}: ${records.toLocaleString('en-US')} records`),
        pairs: (file, share) => tell(`${file}: ${Math.floor(100 * share)} % of pairs`),
        permutations: (file, share) => tell(`${file}: ${Math.floor(100 * share)} % of permutations`),
      },
    });
    return io.json ? JSON.stringify(comparisons[0], null, 2) : comparisonTable(comparisons);
  });
}
