/** `name` in quotes for a one-line message: control characters escaped, the middle of a very long name left out. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 80)} … ${name.slice(-30)}` : name);
}
