import { readFileSync } from 'node:fs';

/** Whether this processor has AVX-512, which onnxruntime-node uses and V8 does not; where it cannot be seen, it has. */
export function hasAvx512(): boolean {
  try {
    return /\bavx512f\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return true;
  }
}
