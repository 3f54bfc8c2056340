/** Instructions of WebAssembly, each as its bytes; nested lists are code in its order. */
export type Code = number | readonly Code[];

/** Of a local variable or a result. */
export const valueType = { i32: 0x7f, v128: 0x7b } as const;

const localGet = 0x20;
const localSet = 0x21;
const simd = 0xfd;

export const wasm = {
  get: (local: number): Code => [localGet, unsigned(local)],
  set: (local: number, value: Code): Code => [value, localSet, unsigned(local)],
  number: (value: number): Code => [0x41, signed(value)],
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  subtract: (a: Code, b: Code): Code => [a, b, 0x6b],
  isBelow: (a: Code, b: Code): Code => [a, b, 0x49],
  /** Runs the body, and again as long as the condition holds. */
  repeatWhile: (body: Code, condition: Code): Code => [0x03, 0x40, body, condition, 0x0d, 0, 0x0b],
  /** Four float32 at an address that is a multiple of 16, which `offset` is added to. */
  loadFour: (address: Code, offset: number): Code => [address, simd, 0, 4, unsigned(offset)],
  storeFour: (address: Code, offset: number, four: Code): Code => [address, four, simd, 11, 4, unsigned(offset)],
  /** One float32 at an address, four times. */
  loadRepeated: (address: Code, offset: number): Code => [address, simd, 9, 2, unsigned(offset)],
  zeroFour: (): Code => fourNumbers(new Float32Array(4)),
  /** The same float32 four times. */
  four: (value: number): Code => fourNumbers(new Float32Array(4).fill(value)),
  /** The same int32 four times. */
  fourIntegers: (value: number): Code => fourNumbers(new Int32Array(4).fill(value)),
  addFour: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xe4)],
  subtractFour: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xe5)],
  multiplyFour: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xe6)],
  /** The smaller of each two; `a` where one is not a number. */
  lesserFour: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xea)],
  /** The greater of each two; `a` where one is not a number. */
  greaterFour: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xeb)],
  addFourIntegers: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xae)],
  shiftFourLeft: (four: Code, bits: number): Code => [four, wasmNumber(bits), simd, unsigned(0xab)],
  /** One of four float32. */
  lane: (four: Code, index: number): Code => [four, simd, 0x1f, index],
  addFloats: (a: Code, b: Code): Code => [a, b, 0x92],
  storeFloat: (address: Code, offset: number, value: Code): Code => [address, value, 0x38, 2, unsigned(offset)],
  /** Two float32 at an address, as two float64. */
  loadTwoAsDoubles: (address: Code, offset: number): Code => [address, simd, 0x5d, 3, unsigned(offset), simd, 0x5f],
  /** Two float64 at an address. */
  loadTwo: (address: Code, offset: number): Code => [address, simd, 0, 4, unsigned(offset)],
  addTwo: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xf0)],
  subtractTwo: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xf1)],
  multiplyTwo: (a: Code, b: Code): Code => [a, b, simd, unsigned(0xf2)],
  /** One of two float64. */
  doubleLane: (two: Code, index: number): Code => [two, simd, 0x21, index],
  loadDouble: (address: Code, offset: number): Code => [address, 0x2b, 3, unsigned(offset)],
  storeDouble: (address: Code, offset: number, value: Code): Code => [address, value, 0x39, 3, unsigned(offset)],
  addDoubles: (a: Code, b: Code): Code => [a, b, 0xa0],
  subtractDoubles: (a: Code, b: Code): Code => [a, b, 0xa1],
  multiplyDoubles: (a: Code, b: Code): Code => [a, b, 0xa2],
} as const;

/** A function of i32 parameters without a result. */
export interface WasmFunction {
  /** As it is exported. */
  readonly name: string;
  /** The first locals. */
  readonly parameters: number;
  /** Those after them, as counts by type. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly body: Code;
}

/** The bytes of a module that imports the memory `env.memory` and exports functions over it. */
export function moduleBytes(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, vector(new Array<Code>(parameters).fill(valueType.i32)), 0]);
  const memory = [1, name('env'), name('memory'), 0x02, 0, 0];
  const bodies = functions.map(({ locals, body }) =>
    sized([vector(locals.map(([count, kind]) => [unsigned(count), kind])), body, 0x0b]),
  );
  const sections = [
    section(1, vector(types)),
    section(2, memory),
    section(3, vector(functions.map((_, index) => unsigned(index)))),
    section(7, vector(functions.map((exported, index) => [name(exported.name), 0, unsigned(index)]))),
    section(10, vector(bodies)),
  ];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return Uint8Array.from(bytesOf([header, sections]));
}

function wasmNumber(value: number): Code {
  return [0x41, signed(value)];
}

function fourNumbers(values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): Code {
  return [simd, 0x0c, [...new Uint8Array(values.buffer)]];
}

function section(id: number, content: Code): Code {
  return [id, sized(content)];
}

function sized(content: Code): Code {
  const bytes = bytesOf(content);
  return [unsigned(bytes.length), bytes];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function name(text: string): Code {
  return vector([...Buffer.from(text)]);
}

function bytesOf(code: Code): number[] {
  return typeof code === 'number' ? [code] : code.flatMap(bytesOf);
}

/** LEB128. */
function unsigned(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...unsigned(Math.floor(value / 0x80))];
}

function signed(value: number): readonly number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}
