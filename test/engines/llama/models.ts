import { pull } from '../../../engines/models/pull.js';

/** The embedded models as files, from the cache or from where they can be had. */
export async function modelFiles(): Promise<{ readonly gemma: string; readonly smol: string }> {
  return { gemma: await fileOf('gemma-3-270m'), smol: await fileOf('smollm2-135m-instruct') };
}

async function fileOf(name: string): Promise<string> {
  const { files } = await pull(name);
  const [file] = files.values();
  if (file === undefined) throw new Error(`the catalogue names no file for '${name}'`);
  return file;
}
