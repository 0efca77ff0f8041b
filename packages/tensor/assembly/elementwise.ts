import * as gates from './gates';
import * as math from './math';

/** `count` values side by side: out = f(x), or with a gradient g: out = g·f′(x). */
@unmanaged
class Elementwise {
  count: i32;
  x: usize;
  g: usize;
  out: usize;
  /** 64 bytes of each part, for the values that do not fill two registers. */
  scratch: usize;
}

const EXP: i32 = 0, SIGMOID: i32 = 1, TANH: i32 = 2, GELU: i32 = 3, GELU_TANH: i32 = 4, SILU: i32 = 5, ERF: i32 = 6, LOG: i32 = 7;

// @ts-ignore: decorator
@inline
function value(name: i32, x: v128): v128 {
  if (name == EXP) return math.exp(x);
  if (name == SIGMOID) return math.sigmoid(x);
  if (name == TANH) return math.tanh(x);
  if (name == GELU) return gates.gelu(x);
  if (name == GELU_TANH) return gates.geluTanh(x);
  if (name == ERF) return math.erf(x);
  if (name == LOG) return math.log(x);
  return gates.silu(x);
}

// @ts-ignore: decorator
@inline
function slope(name: i32, x: v128): v128 {
  if (name == GELU) return gates.geluSlope(x);
  if (name == GELU_TANH) return gates.geluTanhSlope(x);
  if (name == TANH) return math.tanhSlope(x);
  if (name == SIGMOID) return math.sigmoidSlopeOf(x);
  return gates.siluSlope(x);
}

/** The first value of part `part`: whole pairs of registers. */
// @ts-ignore: decorator
@inline
function share(count: i32, part: i32, parts: i32): i32 {
  return part == parts ? count : <i32>(<i64>count * part / parts) & ~7;
}

// `name` is a constant at each call, so that one function remains of `value`. What is left at the end goes through the
// same loop once more, in scratch memory.
// @ts-ignore: decorator
@inline
function forward(name: i32, job: usize, part: i32, parts: i32): void {
  const task = changetype<Elementwise>(job);
  const start = share(task.count, part, parts), count = share(task.count, part + 1, parts) - start;
  const rest = <usize>(count & 7) << 2, own = task.scratch + (part << 6);
  let x = task.x + (start << 2), out = task.out + (start << 2);
  let last = x + (count << 2) - rest, target: usize = 0;
  while (true) {
    for (; x < last; x += 32, out += 32) {
      const low = value(name, v128.load(x)), high = value(name, v128.load(x, 16));
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    if (target != 0) memory.copy(target, own, rest);
    if (target != 0 || rest == 0) return;
    memory.copy(own, x, rest);
    target = out;
    x = own;
    out = own;
    last = own + 32;
  }
}

// @ts-ignore: decorator
@inline
function backward(name: i32, job: usize, part: i32, parts: i32): void {
  const task = changetype<Elementwise>(job);
  const start = share(task.count, part, parts), count = share(task.count, part + 1, parts) - start;
  const rest = <usize>(count & 7) << 2, own = task.scratch + (part << 6);
  let x = task.x + (start << 2), g = task.g + (start << 2), out = task.out + (start << 2);
  let last = x + (count << 2) - rest, target: usize = 0;
  while (true) {
    for (; x < last; x += 32, g += 32, out += 32) {
      const low = f32x4.mul(v128.load(g), slope(name, v128.load(x))), high = f32x4.mul(v128.load(g, 16), slope(name, v128.load(x, 16)));
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    if (target != 0) memory.copy(target, own, rest);
    if (target != 0 || rest == 0) return;
    memory.copy(own, x, rest);
    memory.copy(own + 32, g, rest);
    target = out;
    x = own;
    g = own + 32;
    out = own;
    last = own + 32;
  }
}

export function exp(job: usize, part: i32, parts: i32): void { forward(EXP, job, part, parts); }
export function sigmoid(job: usize, part: i32, parts: i32): void { forward(SIGMOID, job, part, parts); }
export function tanh(job: usize, part: i32, parts: i32): void { forward(TANH, job, part, parts); }
export function gelu(job: usize, part: i32, parts: i32): void { forward(GELU, job, part, parts); }
export function geluTanh(job: usize, part: i32, parts: i32): void { forward(GELU_TANH, job, part, parts); }
export function silu(job: usize, part: i32, parts: i32): void { forward(SILU, job, part, parts); }
export function geluBackward(job: usize, part: i32, parts: i32): void { backward(GELU, job, part, parts); }
export function geluTanhBackward(job: usize, part: i32, parts: i32): void { backward(GELU_TANH, job, part, parts); }
export function siluBackward(job: usize, part: i32, parts: i32): void { backward(SILU, job, part, parts); }
export function erf(job: usize, part: i32, parts: i32): void { forward(ERF, job, part, parts); }
export function log(job: usize, part: i32, parts: i32): void { forward(LOG, job, part, parts); }
export function tanhBackward(job: usize, part: i32, parts: i32): void { backward(TANH, job, part, parts); }
export function sigmoidBackward(job: usize, part: i32, parts: i32): void { backward(SIGMOID, job, part, parts); }
