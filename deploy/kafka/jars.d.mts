export const kafkaVersion: string;
export function kafkaFolder(env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform): string;
export function classPath(env?: NodeJS.ProcessEnv): Promise<string>;
export function hasJars(env?: NodeJS.ProcessEnv): boolean;
export function javaCommand(env?: NodeJS.ProcessEnv): string;
/** The log4j settings of the broker and its tools: warnings to standard error. */
export const log4jFlag: string;
