import type { createLogUpdate } from 'log-update';

import type { Io } from '../io.js';

const frameMs = 250;
const lineMs = 5000;

/** A run's picture, and text that stays above it. */
export interface Display {
  /** Writes a text to standard output, which the picture does not overwrite. */
  print(text: string): void;
  /** The same to standard error. */
  note(text: string): void;
  /** Draws a last time and ends. */
  stop(): Promise<void>;
}

/** How a view is drawn: as a table on a terminal, as a line in a pipe. */
export interface Drawing<View> {
  readonly table: (view: View) => string;
  readonly line: (view: View) => string;
}

/** Shows a run while it goes on: a table that redraws itself on a terminal, a line every five seconds in a pipe. */
export function display<View>(io: Io, view: () => Promise<View>, { table, line }: Drawing<View>): Display {
  let frame: ReturnType<typeof createLogUpdate> | undefined;
  let drawing = Promise.resolve();

  async function draw(): Promise<void> {
    const current = await view();
    if (io.isTty) {
      // Only a terminal needs the library, and it takes as long to load as a recipe to check.
      frame ??= (await import('log-update')).createLogUpdate(process.stderr);
      frame(table(current));
    } else io.err(`${line(current)}\n`);
  }

  const timer = setInterval(
    () => {
      drawing = drawing.then(draw).catch(() => undefined);
    },
    io.isTty ? frameMs : lineMs,
  );
  return {
    print: (text) => {
      frame?.clear();
      io.out(text);
    },
    note: (text) => {
      frame?.clear();
      io.err(text);
    },
    stop: async () => {
      clearInterval(timer);
      await drawing;
      await draw().catch(() => undefined);
      frame?.done();
    },
  };
}
