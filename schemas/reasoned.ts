import { planSchema } from './plan.js';
import { id, type RecordOf, record } from './record.js';

/** A plan whose attributes were found: what is drafted where the recipe reasons. */
export const reasonedSchema = record('reasoned', 1, 'reasoned', { id: id(), plan: planSchema.type });

export type Reasoned = RecordOf<typeof reasonedSchema>;
