import { type AddedToken, addedToken } from './addedTokens.ts';
import { FormatError } from './errors.ts';
import { booleanOf, type Json, type JsonObject, objectOf, stringOf, isAbsent } from './json.ts';
import type { SpecialTokenRole } from './options.ts';
import type { TokenWithId } from './tokenizerFiles.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The tokens with a role, each with its id. */
export interface ConfiguredTokens {
  readonly roles: Readonly<Partial<Record<SpecialTokenRole, TokenWithId>>>;
}

const ROLES: readonly SpecialTokenRole[] = ['pad', 'unk', 'cls', 'sep', 'mask'];
const BERT_NAMES = { pad: '[PAD]', unk: '[UNK]', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' } as const;
const MPNET_NAMES = { pad: '<pad>', unk: '[UNK]', cls: '<s>', sep: '</s>', mask: '<mask>' } as const;

/** An added token as JSON has it: `{content, special, normalized, single_word, lstrip, rstrip}`. */
export function readAddedToken(value: Json | undefined, what: string): AddedToken {
  const object = objectOf(value, what);
  const flag = (key: string): boolean | undefined => (isAbsent(object[key]) ? undefined : booleanOf(object[key], `${what}: ${key}`));
  const content = stringOf(object['content'], `${what}: content`);
  if (content === '') throw new FormatError(`${what}: content must not be empty`);
  const special = flag('special') ?? false;
  return addedToken(content, {
    special,
    normalized: flag('normalized') ?? !special,
    singleWord: flag('single_word') ?? false,
    lstrip: flag('lstrip') ?? false,
    rstrip: flag('rstrip') ?? false,
  });
}

/**
 * Finds the tokens with a role: as the config names them, else under the family's usual names where the vocabulary has
 * those. Each becomes a special token in `added`; one that is named but has no id yet gets the next free one, as in transformers.
 */
export function configuredTokens(config: JsonObject, kind: string, vocabulary: Vocabulary, added: Map<number, AddedToken>): ConfiguredTokens {
  const roles: Partial<Record<SpecialTokenRole, TokenWithId>> = {};
  const names = kind === 'MPNet' ? MPNET_NAMES : BERT_NAMES;
  const idOf = (content: string): number | undefined => {
    for (const [id, token] of added) if (token.content === content) return id;
    return vocabulary.id(content);
  };
  const add = (token: AddedToken): TokenWithId => {
    const id = idOf(token.content) ?? Math.max(vocabulary.size, ...[...added.keys()].map((used) => used + 1));
    const present = added.get(id);
    added.set(id, present === undefined ? token : { ...present, special: true });
    return { id, token: token.content };
  };
  for (const role of ROLES) {
    const named = specialFrom(config[`${role}_token`], `${role}_token`);
    if (named !== null) roles[role] = add(named);
    else if (idOf(names[role]) !== undefined) {
      roles[role] = add(addedToken(names[role], { special: true, lstrip: kind === 'MPNet' && role === 'mask' }));
    }
  }
  for (const key of ['additional_special_tokens', 'extra_special_tokens']) {
    const list = config[key];
    if (isAbsent(list)) continue;
    for (const [name, value] of Object.entries(list as JsonObject)) {
      const token = specialFrom(value, `${key}: ${name}`);
      if (token !== null) add(token);
    }
  }
  return { roles };
}

function specialFrom(value: Json | undefined, key: string): AddedToken | null {
  if (isAbsent(value)) return null;
  if (typeof value === 'string') return addedToken(value, { special: true });
  return { ...readAddedToken(value, `tokenizer_config.json: ${key}`), special: true };
}
