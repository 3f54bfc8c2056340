import { requests } from 'kafkajs/src/protocol/requests/index.js';

import { isDirect, produceBody } from './produce-request.js';

let done = false;

/** Has kafkajs 2.2.4 write its Produce requests through `produceBody`, where they are not compressed. */
export function quickProduce(): void {
  if (done) return;
  done = true;
  const { protocol } = requests.Produce;
  requests.Produce.protocol = ({ version }) => {
    const made = protocol({ version });
    if (Number(version) < 3) return made;
    return (options) => {
      const produce = made(options);
      if (!isDirect(options)) return produce;
      const encode = async () => {
        const buffer = produceBody(options);
        return { buf: buffer, buffer };
      };
      return { ...produce, request: { ...produce.request, encode } };
    };
  };
}
