import type { Listener } from './broker.mjs';

export interface SettingsOptions {
  readonly dir: string;
  readonly listeners: readonly (Listener & { readonly port: number })[];
  readonly controllerPort: number;
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

export function brokerSettings(options: SettingsOptions): Record<string, string | number | boolean>;
export function propertiesText(settings: Readonly<Record<string, string | number | boolean>>): string;
