import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// Runs a compiled benchmark by its name: `npm run bench -- stage --records 100000`. Its other arguments go to the benchmark.

const notBenchmarks = ['run', 'report'];
const names = readdirSync(import.meta.dirname)
  .flatMap((file) => (file.endsWith('.js') ? [file.slice(0, -3)] : []))
  .filter((name) => !notBenchmarks.includes(name));

const [name] = process.argv.splice(2, 1);
if (name !== undefined && names.includes(name)) {
  await import(pathToFileURL(`${import.meta.dirname}/${name}.js`).href);
} else {
  console.error(`npm run bench -- NAME, where NAME is one of ${names.join(', ')}`);
  process.exitCode = 2;
}
