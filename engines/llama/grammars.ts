import type { GbnfJsonSchema, LlamaGrammar } from 'node-llama-cpp';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Runtime } from './binding.js';
import { bounded } from './schema-bounds.js';

const maxKept = 64;

/** A grammar, and the text after which nothing but white space can follow. */
export interface Form {
  readonly grammar: LlamaGrammar;
  readonly stop: readonly string[];
}

/** Parsed grammars, the last 64 of them, by their text. */
export class Grammars {
  readonly #runtime: Runtime;
  /** Least recently used first. */
  readonly #forms = new Map<string, Form>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The form that a request asks for, if any. Rejects with code `grammar-invalid`. */
  async of(request: { readonly grammar?: string; readonly schema?: Readonly<Record<string, unknown>> }) {
    const { grammar, schema } = request;
    if (grammar !== undefined && schema !== undefined) {
      throw new TypeError("option 'grammar': expected a grammar or a schema, got both");
    }
    if (grammar !== undefined) return await this.#kept(grammar, () => this.#parsed(grammar));
    if (schema !== undefined) return await this.#kept(JSON.stringify(schema), () => this.#ofSchema(schema));
    return undefined;
  }

  async #kept(key: string, make: () => Promise<Form>): Promise<Form> {
    const form = this.#forms.get(key) ?? (await make());
    this.#forms.delete(key);
    this.#forms.set(key, form);
    for (const oldest of this.#forms.keys()) {
      if (this.#forms.size <= maxKept) break;
      this.#forms.delete(oldest);
    }
    return form;
  }

  async #parsed(grammar: string): Promise<Form> {
    try {
      return { grammar: await this.#runtime.llama.createGrammar({ grammar }), stop: [] };
    } catch (cause) {
      const shown = grammar.length > 200 ? `${grammar.slice(0, 200)}...` : grammar;
      throw new HeadwaterError(
        'grammar-invalid',
        `the grammar is not GBNF: give it a rule 'root', define every rule that is used, use no left recursion: ${shown}`,
        { cause },
      );
    }
  }

  async #ofSchema(schema: Readonly<Record<string, unknown>>): Promise<Form> {
    const subset = bounded(schema);
    try {
      // The grammar closes a value with blank lines, which JSON cannot contain otherwise.
      return { grammar: await this.#runtime.llama.createGrammarForJsonSchema<GbnfJsonSchema>(subset), stop: ['\n\n'] };
    } catch (cause) {
      throw new HeadwaterError('grammar-invalid', 'the JSON Schema has no grammar: make it simpler', { cause });
    }
  }
}
