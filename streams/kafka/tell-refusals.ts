import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';

let done = false;

/**
 * Has kafkajs 2.2.4 say where a permission is missing: asking for the coordinator of a group or transactional id, it drops what the
 * brokers answer, and tries again as if they were away.
 */
export function tellRefusals(): void {
  if (done) return;
  done = true;
  const { withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.withBroker = async function (this: BrokerPool, ask): Promise<unknown> {
    let refusal: unknown;
    const answer = await withBroker.call(this, (asked) =>
      ask(asked).catch((error: unknown) => {
        if (isRefusal(error)) refusal = error;
        throw error;
      }),
    );
    if (answer === null && refusal !== undefined) throw refusal;
    return answer;
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && /AUTHORIZATION_FAILED/.test(String(Reflect.get(error, 'type')));
}
