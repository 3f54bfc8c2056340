import { createLogUpdate } from 'log-update';

import type { Io } from '../io.js';
import { renderLine, renderTable } from './render.js';
import type { RunView } from './run-view.js';

const frameMs = 250;
const lineMs = 5000;

/** A run's picture, and text that stays above it. */
export interface Display {
  /** Writes a text to standard output, which the picture does not overwrite. */
  print(text: string): void;
  /** Draws a last time and ends. */
  stop(): Promise<void>;
}

/** Shows a run while it goes on: a table that redraws itself on a terminal, a line every five seconds in a pipe. */
export function display(io: Io, view: () => Promise<RunView>): Display {
  const frame = io.isTty ? createLogUpdate(process.stderr) : undefined;
  let drawing = Promise.resolve();

  async function draw(): Promise<void> {
    const current = await view();
    if (frame) frame(renderTable(current));
    else io.err(`${renderLine(current)}\n`);
  }

  const timer = setInterval(
    () => {
      drawing = drawing.then(draw).catch(() => undefined);
    },
    frame ? frameMs : lineMs,
  );
  return {
    print: (text) => {
      frame?.clear();
      io.out(text);
    },
    stop: async () => {
      clearInterval(timer);
      await drawing;
      await draw().catch(() => undefined);
      frame?.done();
    },
  };
}
