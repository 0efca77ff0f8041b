export { packB, multiplyPacked, multiplyColumns, multiplyEach, packedBytes, scratchBytes } from '../matmul/product';
