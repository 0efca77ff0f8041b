export { packedBytes, scratchBytes, packB, multiplyPacked, multiplyEach } from './matmul/product';
export { probe } from './probe';
