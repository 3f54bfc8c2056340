import { z } from 'zod';

import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { AttributeDemand } from '../../../schemas/plan.js';
import type { SteerStep } from '../../../schemas/steps/synalign.js';
import type { Changes } from '../../flow/outcome.js';
import { type RandomFeatures, randomFeatures } from '../../kernels/mmd/random-features.js';
import { attributeDemand, attributePull, type Integration, withCorrection } from './attribute-demand.js';
import { demandOf, gainOf } from './demand-of.js';

export interface DemandOptions {
  /** `steer`: what the corrections so far have brought. */
  readonly memory: ReadonlyMap<string, unknown>;
  readonly embedder: { readonly id: string; readonly dimensions: number };
  readonly lane: number;
  /** Of the random features, as those who wrote the corrections have it. */
  readonly seed: number;
  readonly steer: SteerStep | 'off';
  readonly frequencies: number;
}

/** As the memory holds it. */
const storedSchema = z.object({
  /** Of the correction that came last. */
  accepted: z.number(),
  reference: z.number(),
  bandwidth: z.number(),
  /** `Float32Array [2 frequencies]` as base64. */
  witness: z.string(),
  /** The same, of the witnesses before it. */
  integral: z.string(),
  attributes: z.array(attributePull).readonly().default([]),
});
type Stored = Readonly<z.infer<typeof storedSchema>>;

interface Pull {
  readonly stored: Stored;
  readonly features: RandomFeatures;
  /** The newest witness and the integral, added up: `Float64Array [2 frequencies]`. */
  readonly direction: Float64Array;
}

/** Windows after which what the integral took in counts half. */
const integralHalfLife = 32;
/** The integral may call for this many times the demand that the bound allows: more would only make it slow to turn round. */
const windup = 2;

/**
 * How much is missing at a point of the real distribution, by the corrections so far: 1 for neither too little nor too much.
 *
 * A correction's witness w(x) = phi(x).(mean of the real window - mean of the synthetic one) is above 0 where too little is written. Demand
 * is that of `demandOf` for w(x) + I(x). I is the sum of the witnesses of earlier windows, of which half is forgotten in 32 windows: a
 * correction comes in when the next one takes its place, by the share of a window that was written under it, and not before the first
 * window is full. With it, demand rises until nothing is missing, rather than until some balance of both. Its norm is limited, so that it
 * turns round at once. Values of attributes are followed in the same way (`attributeDemand`). It starts over when the reference or the
 * bandwidth changes. Memory: 16 bytes a frequency for the two vectors, and 8 for each of the points that were asked about and still exist.
 */
export class Demand {
  #pull: Pull | undefined;
  /** phi of the points that were asked about. */
  #phis = new WeakMap<Float32Array, Float32Array>();
  readonly #phi: Float64Array;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(private readonly options: DemandOptions) {
    const { memory, frequencies } = options;
    this.#phi = new Float64Array(2 * frequencies);
    const stored = memory.get('steer');
    if (stored !== undefined && stored !== null) this.#pull = this.#pullOf(storedPull(stored));
  }

  /** The reference that the newest correction was made against; undefined before there is one. */
  get reference(): number | undefined {
    return this.#pull?.stored.reference;
  }

  /** Of values of attributes of texts with a label: those furthest from 1 first. */
  attributes(label: string | undefined): readonly AttributeDemand[] {
    const { steer } = this.options;
    if (steer === 'off' || this.#pull === undefined) return [];
    const pulls = this.#pull.stored.attributes.filter((one) => one.label === label);
    return attributeDemand(pulls, steer);
  }

  /** Takes a correction in; one without a witness, or of another embedder, lane or number of frequencies, changes nothing. */
  take(correction: Correction): Changes {
    const { embedder, lane, steer, frequencies } = this.options;
    const { witness, bandwidth, accepted, reference = 0 } = correction;
    if (steer === 'off' || witness === undefined || correction.lane !== lane) return [];
    if (correction.embedder !== embedder.id) return [];
    if (Buffer.byteLength(witness, 'base64') !== 8 * frequencies) return [];
    const newest = fromBase64(witness);
    if (!newest.every(Number.isFinite)) return [];
    const before = this.#pull?.stored;
    const goesOn = before !== undefined && before.bandwidth === bandwidth && before.reference === reference;
    const nothing = toBase64(new Float32Array(2 * frequencies));
    const past = goesOn ? before : { accepted, witness: nothing, integral: nothing, attributes: [] };
    const integration = integrationOf(past.accepted, correction, steer);
    const integral = toBase64(integrated(fromBase64(past.integral), fromBase64(past.witness), integration));
    const attributes = withCorrection(past.attributes, correction, integration);
    const stored: Stored = { accepted, reference, bandwidth, witness, integral, attributes };
    this.#pull = this.#pullOf(stored);
    return [['steer', stored]];
  }

  /** At a point `[dimensions]`, which must not change; in O(frequencies) once it was asked about, O(frequencies x dimensions) before. */
  at(point: Float32Array): number {
    const { steer } = this.options;
    if (steer === 'off' || this.#pull === undefined) return 1;
    const { direction } = this.#pull;
    const phi = this.#phiOf(point, this.#pull.features);
    let witness = 0;
    for (let i = 0; i < direction.length; i++) witness += (direction[i] ?? 0) * (phi[i] ?? 0);
    return demandOf(witness, steer);
  }

  #phiOf(point: Float32Array, features: RandomFeatures): Float32Array {
    const known = this.#phis.get(point);
    if (known !== undefined) return known;
    features.map(point, this.#phi);
    const phi = Float32Array.from(this.#phi);
    this.#phis.set(point, phi);
    return phi;
  }

  #pullOf(stored: Stored): Pull {
    const { embedder, seed, frequencies } = this.options;
    const [witness, integral] = [fromBase64(stored.witness), fromBase64(stored.integral)];
    if (witness.length !== 2 * frequencies || integral.length !== 2 * frequencies) throw damaged();
    const { bandwidth } = stored;
    return {
      stored,
      features: this.#featuresOf({ dimensions: embedder.dimensions, frequencies, bandwidth, seed }),
      direction: Float64Array.from(witness, (value, i) => value + (integral[i] ?? 0)),
    };
  }

  #featuresOf(options: Parameters<typeof randomFeatures>[0]): RandomFeatures {
    const known = this.#pull?.features;
    if (known?.bandwidth === options.bandwidth) return known;
    this.#phis = new WeakMap();
    return randomFeatures(options);
  }
}

/** The part of a full window that was written since; 0 while the first one fills, as all that was accepted is still in it. */
function shareSince(before: number, { accepted, synthetic: { size } }: Correction): number {
  if (accepted <= size) return 0;
  return Math.min(1, Math.max(0, accepted - before) / Math.max(1, size));
}

function integrationOf(before: number, correction: Correction, steer: SteerStep): Integration {
  const share = shareSince(before, correction);
  const limit = (windup * Math.log(steer.bound)) / Math.max(1e-9, gainOf(steer));
  return { share, kept: 2 ** (-share / integralHalfLife), limit };
}

/** The limit is one of the norm. */
function integrated(integral: Float32Array, witness: Float32Array, { share, kept, limit }: Integration): Float32Array {
  const sum = integral.map((value, i) => kept * value + share * (witness[i] ?? 0));
  const norm = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
  return norm <= limit ? sum : sum.map((value) => (value * limit) / norm);
}

function storedPull(value: unknown): Stored {
  const read = storedSchema.safeParse(value);
  if (!read.success) throw damaged();
  return read.data;
}

function damaged(): HeadwaterError {
  return new HeadwaterError('record-invalid', "the memory of the exploration holds a damaged 'steer'");
}
