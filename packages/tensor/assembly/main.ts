export { packedBytes, scratchBytes, packB, multiplyPacked, multiplyEach } from './matmul/product';
