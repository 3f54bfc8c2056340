/** One socket that clients connect to. */
export interface Listener {
  /** Letters and digits; names the listener in the settings. */
  readonly name: string;
  /** @default any free port */
  readonly port?: number;
  /** @default PLAINTEXT */
  readonly protocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** Properties that belong to this listener, with full keys (`listener.name.<lower case name>.…`). */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

export interface BrokerOptions {
  /** Keeps the data, `server.properties`, `broker.log` and `broker.pid`; made where absent, reused where not. */
  readonly dir: string;
  /** Of the first listener. @default any free port */
  readonly port?: number;
  /** @default any free port */
  readonly controllerPort?: number;
  /** The first one also serves the broker itself. @default one plain listener */
  readonly listeners?: readonly Listener[];
  /** Laid over the properties of `settings.mjs`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** More arguments for formatting an empty data folder, such as `--add-scram`. */
  readonly format?: readonly string[];
  /** Flags of the Java machine, such as `-XX:TieredStopAtLevel=1`, which starts sooner and tops out lower. */
  readonly java?: readonly string[];
  /** The broker outlives the process that starts it. @default false */
  readonly detached?: boolean;
}

export interface Broker {
  readonly dir: string;
  /** Of the first listener. */
  readonly port: number;
  /** By the name of the listener. */
  readonly ports: Readonly<Record<string, number>>;
  /** The path of the log file. */
  readonly log: string;
  /** The Java class path of the broker and its tools. */
  readonly jars: string;
  /** Of the Java process; another one after `restart`. */
  readonly pid: number;
  /** Ends it in good order (SIGTERM, after 30 s SIGKILL); the folder stays. */
  stop(): Promise<void>;
  /** Sends a signal; for SIGTERM and SIGKILL resolves when the process is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts it again on the same data and ports, ending it first where it runs. */
  restart(): Promise<void>;
}

export function start(options: BrokerOptions): Promise<Broker>;
