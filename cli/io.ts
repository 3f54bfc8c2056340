/** Where a command writes; it never writes to the process's streams itself. */
export interface Io {
  /** To standard output, as it is: a line brings its own line end. */
  out(text: string): void;
  /** To standard error: progress, warnings, messages. */
  err(text: string): void;
  /** Whether a person looks at standard output. */
  readonly isTty: boolean;
  /** Whether standard output must be one JSON document and nothing else. */
  readonly json: boolean;
}
