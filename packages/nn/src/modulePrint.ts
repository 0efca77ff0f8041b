import type { Module } from './module.ts';

/** What a line says of a module, and the lines of what is in it. */
interface Outline {
  readonly name: string;
  /** Class, description and numbers of parameters. */
  readonly head: string;
  readonly below: readonly string[];
}

const grouped = (count: number): string => count.toLocaleString('en-US');

/**
 * A module as people read it: a line for each module in it, with its class, its settings and how many numbers its
 * parameters hold. Equal neighbours of one list share a line.
 */
export function formatModule(module: Module): string {
  const { head, below } = outline('', module, []);
  return [head, ...below].join('\n');
}

function outline(name: string, module: Module, above: readonly Module[]): Outline {
  const inside = [...above, module];
  // A module inside itself is named, not entered.
  const children = above.includes(module) ? [] : Array.from(module.namedChildren(), ([key, child]) => outline(key, child, inside));
  const below = runsOf(children).flatMap((run) => {
    const [first] = run;
    const label = run.length === 1 ? first.name : `${first.name}–${lastPart(run[run.length - 1].name)}`;
    const times = run.length === 1 ? '' : `${run.length} × `;
    return [`${label}: ${times}${first.head}${run.length > 1 && first.head.includes(' parameter') ? ' each' : ''}`, ...first.below].map((line) => `  ${line}`);
  });
  return { name, head: headOf(module), below };
}

function headOf(module: Module): string {
  const all = module.parameterCount();
  const trained = module.parameterCount({ trained: true });
  const settings = module.describe();
  const title = `${module.constructor.name}${settings === '' ? '' : `(${settings})`}`;
  if (all === 0) return title;
  return `${title}, ${grouped(all)} parameter${all === 1 ? '' : 's'}${trained === all ? '' : trained === 0 ? ', frozen' : `, ${grouped(trained)} trained`}`;
}

/** Neighbours that differ in nothing but the last part of their names, which are successive numbers. */
function runsOf(outlines: readonly Outline[]): Outline[][] {
  const runs: Outline[][] = [];
  for (const each of outlines) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && follows(before, each)) run.push(each);
    else runs.push([each]);
  }
  return runs;
}

function follows(before: Outline, next: Outline): boolean {
  const [a, b] = [before.name, next.name];
  const successive = /^\d+$/.test(lastPart(a)) && Number(lastPart(b)) === Number(lastPart(a)) + 1 && stem(a) === stem(b);
  return successive && before.head === next.head && before.below.join('\n') === next.below.join('\n');
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const stem = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);
