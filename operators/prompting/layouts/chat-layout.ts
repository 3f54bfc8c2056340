import type { Domain } from '../../../schemas/domain.js';
import type { LayoutName } from '../../../schemas/steps/writing.js';
import { json } from './json.js';
import type { Layout } from './layout.js';
import { layoutFor, layouts } from './layout-for.js';

export interface ChatLayout extends Layout {
  /** What a request for one text carries beside its messages. */
  readonly structure: { readonly stop: readonly string[] } | { readonly schema: Readonly<Record<string, unknown>> };
}

/** The layout of a conversation with a model: JSON where that is asked for, else the one named, else that of its family. */
export function chatLayout(
  domain: Domain,
  model: string,
  { layout, answer }: { readonly layout?: LayoutName | undefined; readonly answer?: 'tags' | 'json' | undefined },
): ChatLayout {
  const chosen = answer === 'json' ? json(domain) : layouts[layout ?? layoutFor(model, 'chat')](domain);
  const { schema, stops } = chosen;
  return { ...chosen, structure: schema === undefined ? { stop: stops } : { schema: schema.one } };
}
