/** The one door from the tokenizers to the engine's package: error classes, never a tensor. */
export { ArgumentError, FormatError } from '@strided/tensor/errors';
