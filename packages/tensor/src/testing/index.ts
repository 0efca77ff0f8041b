/**
 * What proves Strided, for proving what is built on it: fast-check arbitraries of shapes, layouts and tensors,
 * `checkGradients` and `expectClose`. Works with any test runner; fast-check is the peer dependency.
 */
export { broadcastableShapes, shapes, type BroadcastShapes, type ShapeConstraints } from './shapes.ts';
export { layouts, type LayoutOptions, type PlacedLayout } from './layouts.ts';
export { tensors, valuesOf, type TensorArbitraryOptions, type ValueOptions } from './tensors.ts';
export { checkGradients, type Differentiable, type GradientOptions } from './gradients.ts';
export { expectClose, type CloseOptions, type Comparable } from './close.ts';
export { expectTwins, type TwinOptions } from './twins.ts';
export { runs } from './runs.ts';
