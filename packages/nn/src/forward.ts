import type { Tensor } from '@strided/tensor';
import type { Module } from './module.ts';

/** A module from one tensor to one tensor. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** Any forward pass. */
export type Forward = (...inputs: unknown[]) => unknown;

/** The module's forward pass, null where it has none of that name. */
export function forwardOf(module: Module): Forward | null {
  const forward: unknown = Reflect.get(module, 'forward');
  return typeof forward === 'function' ? (forward as Forward) : null;
}

/** Lets calls of `module.forward` go to `replacement`; returns a function that puts it back. */
export function replaceForward(module: Module, replacement: Forward): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  // Not enumerable, so that no walk over attributes meets it.
  Object.defineProperty(module, 'forward', { value: replacement, configurable: true, writable: true, enumerable: false });
  return () => {
    if (own === undefined) Reflect.deleteProperty(module, 'forward');
    else Object.defineProperty(module, 'forward', own);
  };
}
