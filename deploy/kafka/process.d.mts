export function isBroker(pid: number, settings: string): boolean;
export function runningBroker(dir: string): { readonly pid: number; readonly port: number } | undefined;
