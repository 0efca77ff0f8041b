/** Imports a package from where this file stands: from the peers' own node_modules. */
export function load(name: string): Promise<unknown> {
  return import(name);
}
