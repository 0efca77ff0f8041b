/**
 * Every error that Strided throws on purpose. A message names the op, the shapes, dtypes or file,
 * the rule that was broken and the remedy; it is thrown before anything is changed.
 */
export class StridedError extends Error {
  override name = 'StridedError';
}

/** Shapes that do not fit the op's rule. */
export class ShapeError extends StridedError {
  override name = 'ShapeError';
}

/** A dtype that the op does not take, or a number that the dtype cannot hold. */
export class DTypeError extends StridedError {
  override name = 'DTypeError';
}

/** An index or axis outside its range. */
export class IndexError extends StridedError {
  override name = 'IndexError';
}

/** An option or argument with a value that makes no sense. */
export class ArgumentError extends StridedError {
  override name = 'ArgumentError';
}

/** Recording or differentiating a graph in a way that has no meaning. */
export class AutogradError extends StridedError {
  override name = 'AutogradError';
}

/** A file whose content breaks its format; the message names the file. */
export class FormatError extends StridedError {
  override name = 'FormatError';
}

/** A checkpoint that does not fit the model, or is cut off or damaged. */
export class CheckpointError extends StridedError {
  override name = 'CheckpointError';
}

/** The host cannot do what was asked of the engine: a kernel level that it lacks. */
export class EngineError extends StridedError {
  override name = 'EngineError';
}

/** The engine's own memory is used up; the message says how much was asked for and how much is in use. */
export class MemoryError extends StridedError {
  override name = 'MemoryError';
}

/** A tensor is used after the scope that it was made in has ended. */
export class ScopeError extends StridedError {
  override name = 'ScopeError';
}
