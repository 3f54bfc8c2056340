import { moduleBytes, type WasmFunction, wasm } from './wasm-assembly.js';

/** What is used of the global, which Node's types leave out. */
interface WasmGlobal {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: unknown } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

declare const WebAssembly: WasmGlobal | undefined;

export interface SimdOption {
  /**
   * Whether WebAssembly SIMD does the arithmetic; without, plain loops do, with equal results to 1e-6.
   * @default whether this machine has it
   */
  readonly simd?: boolean;
}

/** A compiled function of byte addresses and counts. */
export type TileFunction = (...numbers: readonly number[]) => void;

/** Arrays in one memory, which plain loops and WebAssembly work on alike. */
export interface TileMemory<Name extends string> {
  readonly simd: boolean;
  /** Zeros at first; its address, the `byteOffset`, is a multiple of 16. */
  array(name: Name): Float32Array;
  /** All of it. */
  readonly numbers: Float32Array;
  /** The one function of a module, compiled once for each `key`. */
  compile(key: string, write: () => WasmFunction): TileFunction;
}

const pageBytes = 64 * 1024;
const mostBytes = 2 ** 32;
const mostModules = 32;
const modules = new Map<string, object>();
let supported: boolean | undefined;

/** Whether WebAssembly with its 128-bit SIMD is there. */
export function simdIsSupported(): boolean {
  supported ??= typeof WebAssembly === 'undefined' ? false : WebAssembly.validate(moduleBytes([usesSimd]));
  return supported;
}

const usesSimd: WasmFunction = {
  name: 'run',
  parameters: 1,
  locals: [],
  body: wasm.storeFour(wasm.get(0), 0, wasm.zeroFour()),
};

/** A memory with an array of so many numbers under each name. Throws `RangeError` beyond 4 GiB. */
export function tileMemory<Name extends string>(
  lengths: Readonly<Record<Name, number>>,
  { simd = simdIsSupported() }: SimdOption = {},
): TileMemory<Name> {
  const padded = Object.entries<number>(lengths).map(([name, length]) => [name, 4 * Math.ceil(length / 4)] as const);
  const bytes = 4 * padded.reduce((sum, [, length]) => sum + length, 0);
  if (bytes > mostBytes) throw new RangeError(`points: they need ${bytes} bytes of one memory, which ends at 4 GiB`);
  const memory = simd ? wasmMemory(bytes) : { buffer: new ArrayBuffer(bytes) };
  const arrays = new Map<string, Float32Array>();
  let address = 0;
  for (const [name, length] of padded) {
    arrays.set(name, new Float32Array(memory.buffer, address, length));
    address += 4 * length;
  }
  return {
    simd,
    array: (name) => arrays.get(name) ?? new Float32Array(),
    numbers: new Float32Array(memory.buffer),
    compile: (key, write) => compiled(key, write, memory),
  };
}

function wasmMemory(bytes: number): { readonly buffer: ArrayBuffer } {
  const { Memory } = wasmGlobal();
  return new Memory({ initial: Math.ceil(bytes / pageBytes) });
}

function compiled(key: string, write: () => WasmFunction, memory: unknown): TileFunction {
  const { Module, Instance } = wasmGlobal();
  // a module that is used again keeps its optimised code
  const module = modules.get(key) ?? new Module(moduleBytes([write()]));
  modules.delete(key);
  modules.set(key, module);
  const [oldest] = modules.keys();
  if (modules.size > mostModules && oldest !== undefined) modules.delete(oldest);
  const [run] = Object.values(new Instance(module, { env: { memory } }).exports);
  // called as it is: a function around it costs as much as a short call
  if (isTileFunction(run)) return run;
  throw new TypeError(`the module ${key} exports no function`);
}

function isTileFunction(exported: unknown): exported is TileFunction {
  return typeof exported === 'function';
}

function wasmGlobal(): WasmGlobal {
  if (typeof WebAssembly === 'undefined')
    throw new TypeError('simd: WebAssembly is missing here; leave the option out');
  return WebAssembly;
}
