import type { createLogUpdate } from 'log-update';

import type { PulledModel, PullProgress } from '../../engines/models/pull.js';

import type { Io } from '../io.js';

const barWidth = 30;
const lineEveryMs = 5000;

/** Shows model downloads: a bar on a terminal, a line every five seconds in a pipe; and each licence once. */
export function downloads(io: Io): {
  progress(progress: PullProgress): void;
  pulled(model: PulledModel): void;
  done(): void;
} {
  let frame: ReturnType<typeof createLogUpdate> | undefined;
  if (io.isTty) {
    // What comes before the library is here is not drawn, and the next progress is.
    const drawn = import('log-update').then((library) => {
      frame = library.createLogUpdate(process.stderr);
    });
    // without it nothing is drawn, and that is all
    drawn.catch(() => undefined);
  }
  let lastLine = 0;
  let fetched = false;
  return {
    progress: (progress) => {
      fetched = true;
      if (frame) frame(bar(progress));
      else if (!io.isTty && Date.now() - lastLine > lineEveryMs) {
        lastLine = Date.now();
        io.err(`${bar(progress)}\n`);
      }
    },
    pulled: ({ name, entry, notes }) => {
      for (const note of notes) io.err(`${note}\n`);
      if (!fetched) return;
      frame?.clear();
      io.err(`${name} is here. Licence: ${entry.licence.name} (${entry.licence.url})\n`);
      fetched = false;
    },
    done: () => frame?.clear(),
  };
}

/** `gemma-3-270m.gguf ████████░░░░ 61 % of 241 MiB`. */
export function bar({ file, received, total, place }: PullProgress): string {
  const share = total === 0 ? 0 : received / total;
  const full = Math.round(share * barWidth);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${file} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${percent} % of ${(total / 2 ** 20).toFixed(0)} MiB (${place})`;
}
