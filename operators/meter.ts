/** Where operators count; names are `snake_case`, attributes have few values. */
export interface Meter {
  count(name: string, value?: number, attributes?: Readonly<Record<string, string>>): void;
}

/** Counts nothing. */
export const silent: Meter = { count: () => undefined };
