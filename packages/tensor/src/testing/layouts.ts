import fc from 'fast-check';
import { sizeOf, type Layout, type Shape } from '../layout.ts';

export interface LayoutOptions {
  /** Axes of stride 0, whose values share memory, occur. Default true; give false for tensors that are written to. */
  readonly expanded?: boolean;
}

/** A layout and the number of elements of a storage that it fits in. */
export interface PlacedLayout {
  readonly layout: Layout;
  readonly length: number;
}

/** How one axis lies in memory. */
interface AxisPlan {
  /** Axes with greater keys lie closer together. */
  readonly key: number;
  /** 1 for every element, 2 for every other one … */
  readonly step: number;
  /** Elements of the axis that the layout leaves out before and after. */
  readonly before: number;
  readonly after: number;
  readonly backwards: boolean;
  readonly expanded: boolean;
}

/**
 * Layouts of one shape as views make them: permuted, sliced with steps, walked backwards, with an offset, expanded.
 * Simplest of all, and where shrinking ends: contiguous from 0.
 */
export function layouts(shape: Shape, { expanded = true }: LayoutOptions = {}): fc.Arbitrary<PlacedLayout> {
  const small = (max: number) => fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(max), weight: 1 });
  const axis: fc.Arbitrary<AxisPlan> = fc.record({
    key: fc.nat(3),
    step: small(2).map((extra) => extra + 1),
    before: small(2),
    after: small(2),
    backwards: fc.oneof({ arbitrary: fc.constant(false), weight: 2 }, fc.boolean()),
    expanded: expanded ? fc.oneof({ arbitrary: fc.constant(false), weight: 6 }, { arbitrary: fc.boolean(), weight: 1 }) : fc.constant(false),
  });
  const strided = fc.record({ plans: fc.array(axis, { minLength: shape.length, maxLength: shape.length }), lead: small(5), tail: small(5) });
  return strided.map(({ plans, lead, tail }) => place(shape, plans, lead, tail));
}

function place(shape: Shape, plans: readonly AxisPlan[], lead: number, tail: number): PlacedLayout {
  const strides = new Array<number>(shape.length);
  const order = shape.map((_, axis) => axis).sort((a, b) => plans[a].key - plans[b].key || a - b);
  let offset = lead;
  let step = 1;
  for (const axis of order.reverse()) {
    const plan = plans[axis];
    const span = plan.expanded ? 1 : Math.max(0, (shape[axis] - 1) * plan.step + 1);
    const first = plan.backwards && !plan.expanded ? Math.max(0, span - 1) : 0;
    strides[axis] = plan.expanded ? 0 : (plan.backwards ? -1 : 1) * plan.step * step;
    offset += (plan.before + first) * step;
    // An empty axis still has a base that it was sliced from.
    step *= Math.max(1, plan.before + span + plan.after);
  }
  return { layout: { shape, strides, offset }, length: sizeOf(shape) === 0 ? offset : lead + step + tail };
}
