// Compiled as a consumer would: against the packed and installed declarations, without our conditions or Node's types.
import type * as bert from '@strided/bert';
import type * as nn from '@strided/nn';
import type * as charts from '@strided/nn/charts';
import type * as reporters from '@strided/nn/files';
import type * as terminal from '@strided/nn/terminal';
import type * as tensor from '@strided/tensor';
import type * as errors from '@strided/tensor/errors';
import type * as files from '@strided/tensor/files';
import type * as ndarray from '@strided/tensor/ndarray';
import type * as wasm from '@strided/tensor/wasm';

export type Packages = [typeof tensor, typeof nn, typeof bert];
export type Parts = [typeof errors, typeof files, typeof ndarray, typeof wasm, typeof charts, typeof reporters, typeof terminal];
