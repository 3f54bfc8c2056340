// Adds to package-lock.json the optional platform packages that npm leaves out when the registry in use does not serve
// them for every platform (npm/cli#4828): without them `npm ci` refuses the lock file everywhere.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];

for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const nested = `${parent}/node_modules/${name}`;
    if (lock.packages[key] || lock.packages[nested] || !/^\d/.test(version)) continue;
    const os = /win32|(^|[/-])win-/.test(name)
      ? 'win32'
      : /darwin|mac-/.test(name)
        ? 'darwin'
        : /android/.test(name)
          ? 'android'
          : 'linux';
    const cpu = /arm64/.test(name) ? 'arm64' : /riscv64/.test(name) ? 'riscv64' : /arm/.test(name) ? 'arm' : 'x64';
    const libc = os === 'linux' && /musl/.test(name) ? { libc: ['musl'] } : {};
    lock.packages[key] = { version, cpu: [cpu], ...libc, optional: true, os: [os] };
    added.push(`${name}@${version}`);
  }
}

const { '': root, ...rest } = lock.packages;
lock.packages = { '': root, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(added.length ? `added ${added.join(', ')}\n` : 'package-lock.json is complete\n');
