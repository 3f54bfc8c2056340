import { execFileSync } from 'node:child_process';

/** Worker threads and child processes run the compiled files, so they are compiled before the first test. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
