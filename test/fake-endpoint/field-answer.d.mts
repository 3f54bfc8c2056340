import type { Asked, FakeAnswer } from './fake-endpoint.mjs';

/** Text that parses as the fields of a domain, as a pure function of the request and its hash. */
export function fieldAnswer(asked: Asked, hash: string): FakeAnswer;
