import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Plan } from './plan.ts';
import { RunningMean } from './runningMean.ts';

describe('Plan', () => {
  it('the share rises from 0 to 1 with either measure, and 1 is where it is reached', () => {
    fc.assert(fc.property(fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }), fc.integer({ min: 1, max: 50 }), fc.array(fc.nat({ max: 3000 }), { maxLength: 60 }), (steps, seconds, durations) => {
      let now = 123;
      const plan = new Plan({ ...(steps === undefined ? {} : { steps }), seconds, clock: () => now });
      plan.start(0, 0);
      let share = plan.share(0);
      expect(share).toBe(0);
      durations.forEach((duration, i) => {
        now += duration;
        const next = plan.share(i + 1);
        expect(next).toBeGreaterThanOrEqual(share);
        expect(next).toBeLessThanOrEqual(1);
        expect(plan.reached(i + 1) !== null).toBe(next === 1);
        expect(plan.timeLeft(i + 1) === 0).toBe(next === 1 || (steps !== undefined && plan.elapsed === 0));
        share = next;
      });
    }));
  });

  it('estimates the time left by the pace of this run alone', () => {
    let now = 0;
    const plan = new Plan({ steps: 100, clock: () => now });
    plan.start(50, 1000);
    expect(plan.timeLeft(50)).toBe(Infinity);
    now = 4000;
    expect([plan.elapsed, plan.timeLeft(52), plan.share(52)]).toEqual([1004, 96, 0.52]);
    expect(plan.timeLeft(100)).toBe(0);
    expect(plan.timeLeft(110)).toBe(0);
    expect(plan.reached(110)).toBe('steps');
  });
});

describe('RunningMean', () => {
  it('is the mean weighted by powers of the decay', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 80 }), fc.double({ min: 0.01, max: 0.999, noNaN: true }), (values, decay) => {
      const mean = new RunningMean(decay);
      for (const value of values) mean.add(value);
      const weights = values.map((_, i) => decay ** (values.length - 1 - i));
      const expected = values.reduce((sum, value, i) => sum + value * weights[i], 0) / weights.reduce((sum, weight) => sum + weight, 0);
      expect(Math.abs(mean.value - expected)).toBeLessThanOrEqual(1e-9 * Math.max(...values.map(Math.abs)));
    }));
  });

  it('is NaN before the first number', () => {
    expect(new RunningMean().value).toBe(NaN);
  });
});
