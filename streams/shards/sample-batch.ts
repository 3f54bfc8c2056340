import { propertyOf, sampleRowSchema } from '../../schemas/arrow.js';
import type { Domain } from '../../schemas/domain.js';
import type { Sample } from '../../schemas/sample.js';
import { RecordBatchBuilder } from './record-batch.js';

/**
 * Samples in, record batches with the columns of a shard out.
 *
 * `dimensions: null` leaves the embedding out. Throws `HeadwaterError` with code `recipe-invalid` where a field of the domain
 * cannot be a column.
 */
export function sampleBatch(domain: Domain, dimensions: number | null): RecordBatchBuilder<Sample> {
  return new RecordBatchBuilder<Sample>(sampleRowSchema(domain, dimensions), (column) => {
    if (Object.hasOwn(domain.fields, column)) return (sample) => sample.fields[column];
    const property = propertyOf(column);
    return (sample) => Reflect.get(sample, property);
  });
}
