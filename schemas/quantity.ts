import { z } from 'zod';

const byteUnits = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, KB: 1e3, MB: 1e6, GB: 1e9 } as const;
const timeUnits = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 } as const;

const amountUnits = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, B: 1e9 } as const;

/** How many: a number, or a number with a unit such as `2M`. */
export const amount = quantity(amountUnits, '2M');

/** A size: a number of bytes, or a number with a unit such as `64MiB`; bytes come out. */
export const bytes = quantity(byteUnits, '64MiB');

/** A time: a number of milliseconds, or a number with a unit such as `30s`; milliseconds come out. */
export const time = quantity(timeUnits, '30s');

/** Whole numbers above 0 come out. */
function quantity(units: Readonly<Record<string, number>>, example: string) {
  const expected = `expected a number with a unit, such as ${example}`;
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${Object.keys(units).join('|')})$`);
  return z
    .union([z.number().positive(), z.string().regex(pattern, expected)])
    .transform((value) => {
      if (typeof value === 'number') return Math.round(value);
      const [, digits = '0', unit = ''] = pattern.exec(value) ?? [];
      return Math.round(Number(digits) * (units[unit] ?? 1));
    })
    .pipe(z.number().positive(`expected more than 0, such as ${example}`));
}
