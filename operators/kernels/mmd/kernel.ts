import { type Points, squaredDistance } from '../points.js';
import { dotProduct } from './linear-kernel.js';
import { checkBandwidth, rbf } from './rbf.js';

/** exp(-d^2 / (2 bandwidth^2)): characteristic, so MMD is 0 for equal distributions alone. */
export interface RbfKernel {
  readonly name: 'rbf';
  readonly bandwidth: number;
}

/** The dot product: MMD is then the distance of the means, and blind to all else. */
export interface LinearKernel {
  readonly name: 'linear';
}

export type Kernel = RbfKernel | LinearKernel;

/** A kernel as callers may name it; a number is the bandwidth of an RBF kernel. */
export type KernelChoice = Kernel | number;

/** The value of a kernel for point `i` of `a` and point `j` of `b`. */
export type KernelFunction = (a: Points, i: number, b: Points, j: number) => number;

/** A checked kernel. Throws `TypeError` for a bandwidth that is not a positive number, or a name that there is not. */
export function kernelFrom(choice: KernelChoice): Kernel {
  const kernel = typeof choice === 'number' ? { name: 'rbf' as const, bandwidth: choice } : choice;
  if (kernel.name === 'linear') return kernel;
  if (kernel.name !== 'rbf') throw new TypeError(`kernel: expected rbf or linear, got ${kernel['name']}`);
  checkBandwidth(kernel.bandwidth);
  return kernel;
}

/** The kernel as a function of two points, in float64: the plain one that fast ones are held against. */
export function kernelFunction(choice: KernelChoice): KernelFunction {
  const kernel = kernelFrom(choice);
  if (kernel.name === 'linear') return dotProduct;
  const { bandwidth } = kernel;
  return (a, i, b, j) => rbf(squaredDistance(a, i, b, j), bandwidth);
}
