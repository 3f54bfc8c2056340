import type { Asked, FakeAnswer } from '../fake-endpoint/fake-endpoint.mjs';

export function answer(asked: Asked, hash: string): FakeAnswer;
