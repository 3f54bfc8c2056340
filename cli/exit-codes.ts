/** The exit codes that the command line promises. */
export const exitCodes = { done: 0, failed: 1, wrongInput: 2, interrupted: 130 } as const;
