/** A place that holds a value: an attribute of an object, or an element of an array in one. */
export interface Slot {
  readonly owner: object;
  readonly key: string;
  /** The dotted name from where the walk began. */
  readonly name: string;
  readonly value: unknown;
}

/** The places of an object in the order of assignment; arrays are walked by index, private `#fields` are not seen. */
export function* slotsOf(owner: object, prefix: string): IterableIterator<Slot> {
  for (const [key, value] of Object.entries(owner)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (Array.isArray(value)) yield* slotsOf(value, name);
    else yield { owner, key, name, value };
  }
}
