import { ArgumentError } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantSchedule, cosineSchedule, inverseRootSchedule, linearSchedule } from './schedule.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const at = (progress: number) => ({ step: 0, share: progress });

describe('schedules', () => {
  it('constant: 1', () => {
    fc.assert(fc.property(fc.nat(), share, (step, progress) => constantSchedule()({ step, share: progress }) === 1));
  });

  it('linear: from 0 to 1 over the warm-up, to 0 at the end, straight in between, never outside', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), share, share, (warmup, a, b) => {
      const schedule = linearSchedule({ warmup });
      expect(schedule(at(warmup))).toBe(1);
      expect(schedule(at(1))).toBe(0);
      if (warmup > 0) expect(schedule(at(0))).toBe(0);
      const [x, y] = [schedule(at(a)), schedule(at(b))];
      for (const value of [x, y]) expect(value >= 0 && value <= 1).toBe(true);
      const slope = (left: boolean): number => (left ? 1 / warmup : -1 / (1 - warmup));
      if (a < warmup === b < warmup && Number.isFinite(slope(a < warmup))) expect(y - x).toBeCloseTo((b - a) * slope(a < warmup), 8);
    }));
    expect(linearSchedule({ warmup: 0 })(at(0))).toBe(1);
    expect(linearSchedule()(at(0.05))).toBeCloseTo(0.5, 12);
    expect(linearSchedule()(at(0.55))).toBeCloseTo(0.5, 12);
  });

  it('linear and cosine end at the factor asked for; cosine falls along half a wave after the warm-up', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), share, fc.double({ min: 0, max: 1, noNaN: true }), (warmup, a, end) => {
      for (const schedule of [linearSchedule({ warmup, end }), cosineSchedule({ warmup, end })]) {
        expect(schedule(at(1))).toBeCloseTo(end, 12);
        expect(schedule(at(warmup))).toBeCloseTo(1, 12);
        if (a >= warmup) expect(schedule(at(a))).toBeGreaterThanOrEqual(end - 1e-12);
        else expect(schedule(at(a))).toBe(a / warmup);
      }
      const after = (a - warmup) / (1 - warmup);
      if (a >= warmup) expect(cosineSchedule({ warmup, end })(at(a))).toBeCloseTo(end + (1 - end) * Math.cos((Math.PI * after) / 2) ** 2, 12);
    }));
    expect(cosineSchedule({ warmup: 0 })(at(0.5))).toBeCloseTo(0.5, 12);
  });

  it('constant, with a warm-up: rises, then stays at 1', () => {
    expect([0, 0.1, 0.2, 0.9].map((each) => constantSchedule({ warmup: 0.2 })(at(each)))).toEqual([0, 0.5, 1, 1]);
  });

  it('inverse root: the formula of the paper; rises until the warm-up ends, then falls as n^−½', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20000 }), fc.integer({ min: 1, max: 2048 }), fc.nat({ max: 100000 }), (warmupSteps, width, step) => {
      const n = step + 1;
      const schedule = inverseRootSchedule({ warmupSteps, width });
      const expected = Math.min(1 / Math.sqrt(n), n / warmupSteps ** 1.5) / Math.sqrt(width);
      expect(Math.abs(schedule({ step, share: 0.5 }) / expected - 1)).toBeLessThan(1e-12);
      const peak = inverseRootSchedule({ warmupSteps, peak: true });
      expect(peak({ step: warmupSteps - 1, share: 0 })).toBeCloseTo(1, 12);
      expect(peak({ step, share: 0 })).toBeLessThanOrEqual(1 + 1e-12);
    }));
  });

  it('refuse settings that make no sense', () => {
    for (const warmup of [1, -0.1, NaN]) for (const make of [linearSchedule, cosineSchedule, constantSchedule]) expect(() => make({ warmup })).toThrow(ArgumentError);
    for (const end of [-0.1, 1.1, NaN]) for (const make of [linearSchedule, cosineSchedule]) expect(() => make({ end })).toThrow(ArgumentError);
    for (const warmupSteps of [0, 1.5, NaN]) expect(() => inverseRootSchedule({ warmupSteps })).toThrow(ArgumentError);
  });
});
