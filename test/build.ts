import { spawnSync } from 'node:child_process';

/** Worker threads and child processes run the compiled files. Type errors are for `npm run types` to report: tsc emits anyway. */
export default function build(): void {
  const { error } = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'ignore' });
  if (error !== undefined) throw new Error('tsc could not be started: run `npm ci` first', { cause: error });
}
