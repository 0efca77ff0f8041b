import type { OwnProcesses } from '../harness/own.ts';
import type { PeerProcesses } from '../harness/peers.ts';
import type { Level } from '../libraries/strided.ts';

/** Who takes part. */
export interface Field {
  readonly own: OwnProcesses;
  readonly peers: PeerProcesses;
  /** The peers that may take part, by name. */
  readonly allowed: readonly string[] | undefined;
  readonly levels: readonly Level[];
  readonly threads: readonly number[];
}

/** The levels without the js loops, which take many seconds where others take one. */
export function fast({ levels }: Field): Level[] {
  return levels.filter(({ level }) => level !== 'js');
}

/** For long cases: the level of `auto`, and the one that browsers run. */
export function few({ levels }: Field): Level[] {
  return levels.filter(({ level }, i) => i === 0 || level === 'relaxed');
}
