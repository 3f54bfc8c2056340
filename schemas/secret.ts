import { z } from 'zod';

const expected = 'expected $NAME of an environment variable or {file: PATH}: a recipe holds no secrets itself';

/** Marks issues whose value no message may repeat. */
export const hidden = { hidden: true } as const;

const environmentName = /^\$[A-Za-z_][A-Za-z0-9_]*$/;

/** `$NAME` of the environment variable that holds a secret. */
export function environmentVariable(message = 'expected $NAME of an environment variable') {
  return z.string().refine((text) => environmentName.test(text), { message, params: hidden });
}

/** Where a secret is: `$NAME` of an environment variable, or a file. The secret itself is refused. */
export const secret = z.union([environmentVariable(expected), z.strictObject({ file: z.string().min(1) })], {
  error: expected,
});

export type Secret = Readonly<z.infer<typeof secret>>;

/** An address over HTTP without user and password, which messages may name. */
export function plainUrl() {
  return z.url({ protocol: /^https?$/, error: 'expected an address such as https://host/path' }).refine(
    (text) => {
      const { username, password } = URL.canParse(text) ? new URL(text) : { username: '', password: '' };
      return username === '' && password === '';
    },
    { message: 'expected an address without user and password: they have keys of their own', params: hidden },
  );
}
