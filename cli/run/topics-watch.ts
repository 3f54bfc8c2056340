import { decode } from '../../schemas/codec.js';
import type { Sample } from '../../schemas/sample.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { Topics } from '../../streams/topics.js';

const keptSamples = 1000;

/** Watches a run from its topics alone, as the process does whose workers make the samples. */
export class TopicsWatch {
  /** Told of each new sample. */
  sampled: (sample: Sample) => void = () => undefined;
  /** The newest samples since the watch began. */
  readonly samples: Sample[] = [];
  accepted: number;
  readonly #started: number;
  /** By partition: the place to read on from. */
  #next: number[] = [];

  constructor(
    private readonly topics: Topics,
    readonly acceptedBefore: number,
    private readonly now: () => number = performance.now.bind(performance),
  ) {
    this.accepted = acceptedBefore;
    this.#started = now();
  }

  get elapsedMs(): number {
    return this.now() - this.#started;
  }

  /** What is on the topics by now was there before. */
  async begin(): Promise<void> {
    this.#next = (await this.topics.offsets('samples')).map(({ high }) => high);
  }

  /** Reads what is new. One at a time. */
  async update(): Promise<void> {
    for (const [partition, from] of this.#next.entries()) {
      for await (const { offset, value, headers } of readAll(this.topics, 'samples', partition, from)) {
        this.#next[partition] = offset + 1;
        const record = value === null ? undefined : decode(value, headers);
        if (record?.kind === 'sample') this.#accept(record);
      }
    }
  }

  #accept(sample: Sample): void {
    this.accepted++;
    this.samples.push(sample);
    if (this.samples.length > keptSamples) this.samples.shift();
    this.sampled(sample);
  }
}
