import type { ModelFiles } from './modelFiles.ts';

export { hubFiles } from './hub.browser.ts';

/** There are no folders here. */
export async function folderFiles(_path: string | URL): Promise<ModelFiles | null> {
  return null;
}
