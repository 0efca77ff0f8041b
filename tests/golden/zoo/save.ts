/** Loads every case and saves it again: node --conditions=strided-source save.ts <cases> <target>. For check_saved.py. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zoo from '@strided/bert';

const [cases, target] = process.argv.slice(2);
const classes = zoo as unknown as Record<string, { fromPretrained(folder: string): Promise<zoo.PretrainedModel> }>;
for (const name of readdirSync(cases).filter((each) => !each.startsWith('seed.'))) {
  const { model_class: model } = JSON.parse(readFileSync(join(cases, name, 'case.json'), 'utf8')) as { readonly model_class: string };
  await (await classes[model].fromPretrained(join(cases, name))).savePretrained(join(target, name));
}
