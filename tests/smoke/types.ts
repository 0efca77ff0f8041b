// Compiled as a consumer would: against the packed and installed declarations, without our conditions or Node's types.
import type * as bert from '@strided/bert';
import type * as nn from '@strided/nn';
import type * as tensor from '@strided/tensor';

export type Packages = [typeof tensor, typeof nn, typeof bert];
