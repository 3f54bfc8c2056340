import { alignFiles } from '../align/align-files.js';
import type { AlignOptions } from '../align/align-options.js';
import { alignmentTable } from '../align/render-alignment.js';
import { fileCommand } from '../files/file-command.js';
import { choiceLine } from '../files/file-text.js';
import type { Io } from '../io.js';

export interface AlignCommandOptions
  extends Omit<AlignOptions, 'base' | 'openEmbedder' | 'stdin' | 'signal' | 'watch' | 'frequencies' | 'held'> {
  readonly real: string;
  readonly candidates: string;
}

/** `headwater align`: a weight for each candidate, under which they are like the real records; `--json` prints an `Alignment`. */
export function align({ real, candidates, ...wishes }: AlignCommandOptions, io: Io): Promise<number> {
  return fileCommand(io, [real, candidates], async ({ tell, say, ...work }) => {
    const alignment = await alignFiles(real, candidates, {
      ...wishes,
      ...work,
      watch: {
        chosen: (columns, plainText) => say(choiceLine('aligning by', columns, plainText)),
        reading: (file, records) => tell(`${file}: ${records.toLocaleString('en-US')} records`),
        averaging: (share) => tell(`features of the real records: ${percent(share)}`),
        preparing: (label, share) => tell(`kernel${of(label)}: ${percent(share)}`),
        solving: (label, iterations, gap) =>
          tell(`weights${of(label)}: ${iterations} steps, gap ${gap.toExponential(1)}`),
        measuring: (share) => tell(`distances: ${percent(share)}`),
      },
    });
    return io.json ? JSON.stringify(alignment, null, 2) : alignmentTable(alignment);
  });
}

function of(label: string | undefined): string {
  return label === undefined ? '' : ` of ${label}`;
}

function percent(share: number): string {
  return `${Math.floor(100 * share)} %`;
}
