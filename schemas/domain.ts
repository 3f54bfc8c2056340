import { z } from 'zod';

import { columnClashes } from './column-names.js';

/** A field of the domain: how a prompt shows it and what an accepted text must look like. */
const field = z.strictObject({
  /** How prompts name the field. Default: the key with its first letter in upper case. */
  title: z
    .string()
    .regex(/^[^\n:]{1,60}$/, 'expected up to 60 characters on one line, without a colon')
    .optional(),
  /** A regular expression that an accepted text must match. */
  match: z.string().refine(isRegExp, 'expected a regular expression').optional(),
  /** Characters that an accepted text must at least have. */
  minLength: z.int().nonnegative().default(1),
  /** Characters that an accepted text may at most have. */
  maxLength: z.int().positive().default(4000),
});

const labels = z
  .strictObject({
    field: name(),
    values: z.array(z.string().min(1)).min(1),
    /** `real`: those of the real stream, as they change. */
    shares: z.union([z.literal('real'), z.array(z.number().positive())]).optional(),
  })
  .refine(({ shares, values }) => !Array.isArray(shares) || shares.length === values.length, {
    path: ['shares'],
    message: 'expected one share for each value',
  });

/** What the samples of a pipeline are. */
export const domain = z
  .strictObject({
    /** One sentence or two that tell a model what kind of text this is. */
    about: z.string().min(1),
    /** In order; a draft opens with the first. */
    fields: z.record(name(), field.prefault({})).refine((fields) => Object.keys(fields).length > 0, 'expected a field'),
    /** A class: accepted samples have exactly these shares, or those of the real stream; a draft starts with it. */
    label: labels.optional(),
    /** Values by name that the plan draws evenly; a draft starts with them. */
    vary: z.record(name(), z.array(z.string().min(1)).min(1)).default({}),
  })
  .superRefine(({ fields, label, vary }, context) => {
    for (const { field, like } of columnClashes(Object.keys(fields))) {
      context.addIssue({ code: 'custom', path: ['fields', field], message: `is called like ${like}: rename it` });
    }
    const shown = [
      ...(label ? [{ path: ['label', 'field'], title: titleOf(label.field) }] : []),
      ...Object.keys(vary).map((name) => ({ path: ['vary', name], title: titleOf(name) })),
      ...Object.entries(fields).map(([name, field]) => ({ path: ['fields', name], title: titleOf(name, field) })),
    ];
    for (const [index, { path, title }] of shown.entries()) {
      const other = shown.slice(0, index).find((earlier) => earlier.title === title);
      if (other === undefined) continue;
      const message = `has the title '${title}', as ${other.path.join('.')} has: rename one`;
      context.addIssue({ code: 'custom', path, message });
    }
  });

export type Domain = Readonly<z.infer<typeof domain>>;
export type DomainLabel = NonNullable<Domain['label']>;
export type DomainField = Readonly<z.infer<typeof field>>;

/** The shares that the recipe says of a label's values, as proportions: all alike where it says none, or those of the real stream. */
export function fixedShares({ values, shares }: DomainLabel): readonly number[] {
  return Array.isArray(shares) ? shares : values.map(() => 1);
}

/** How a prompt names a field: its title, or the name with its first letter in upper case. */
export function titleOf(name: string, field?: DomainField): string {
  return field?.title ?? name.charAt(0).toUpperCase() + name.slice(1);
}

function name() {
  return z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'expected a letter, then letters, digits or _');
}

function isRegExp(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}
