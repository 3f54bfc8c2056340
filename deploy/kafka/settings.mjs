import { join } from 'node:path';

/**
 * The broker's properties: one node as broker and controller, every replication factor 1, quick to start, small on disk.
 * The first listener also serves the broker itself.
 */
export function brokerSettings({ dir, listeners, controllerPort, properties = {} }) {
  const at = (listener) => `${listener.name}://127.0.0.1:${listener.port}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [...listeners, { name: 'CONTROLLER', port: controllerPort }].map(at).join(','),
    'advertised.listeners': listeners.map(at).join(','),
    'listener.security.protocol.map': [...listeners, { name: 'CONTROLLER' }]
      .map(({ name, protocol = 'PLAINTEXT' }) => `${name}:${protocol}`)
      .join(','),
    'inter.broker.listener.name': listeners[0].name,
    'log.dirs': join(dir, 'data'),
    // After SIGKILL a broker may register again only when its old session is over.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'log.index.size.max.bytes': 65536,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16777216,
    ...Object.assign({}, ...listeners.map((listener) => listener.properties ?? {})),
    ...properties,
  };
}

/** The text of a `.properties` file: one `key=value` a line, with backslashes and line ends escaped. */
export function propertiesText(settings) {
  const escaped = (value) => String(value).replaceAll('\\', '\\\\').replaceAll('\r', '').replaceAll('\n', '\\n');
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${escaped(value)}\n`)
    .join('');
}
