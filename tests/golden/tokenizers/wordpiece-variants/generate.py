#!/usr/bin/env python3
"""Rare text through six variants of wordpiece-small (normaliser, post-processor, added tokens), computed by the Rust library.

  pip install tokenizers==0.23.2 && python generate.py --seed 1 --cases 160

cases.json: {variants, cases}. A variant is a tokenizer.json without model.vocab, which is wordpiece-small's. A case has
v (the variant), a and b (the texts, b null for none), o (max_length, stride, strategy, direction), s (special tokens
added) and either e and over, each as [ids, tokens, type ids, special tokens mask, offsets in code points, word ids],
with text (decoded without and with special tokens), or error: true.
"""
import argparse, json, pathlib, random
from tokenizers import AddedToken, Tokenizer, processors
a = argparse.ArgumentParser(); a.add_argument('--seed', type=int, default=1); a.add_argument('--cases', type=int, default=160); a = a.parse_args()
random.seed(a.seed)
here = pathlib.Path(__file__).parent
base = json.loads((here.parent / 'wordpiece-small' / 'tokenizer.json').read_text())
vocab = base['model']['vocab']
PARTS = ['a', 'b', 'Z', 'the', 'state', 'of', ' ', '  ', '\n', '.', "'", 'é', 'e\u0301', 'İ', 'ß', '𠀀', '中', '한', 'a\u0301\u0323', '😀', '\u200d', '\u00a0', '\u0000', '[CLS]',
         '[MASK]', '[mask]', '<x>', ' <x> ', ' <mask>', 'Foo', 'foo', 'Foo bar', 'bar', 'barn', '_', '\u0344', '\u1e9b\u0323', '\U0001d15e', '\U0001d165', '##', 'Σ', 'ﬁ', '\u3000', '\u089a\u0323', '\u1734']

def text(): return ''.join(random.choice(PARTS) for _ in range(random.randrange(13)))

tokenizers = []
for v in range(6):
    j = json.loads(json.dumps(base)); n = j['normalizer']
    n['lowercase'] = v not in (1, 3); n['strip_accents'] = [None, None, True, None, False, None][v]; n['clean_text'] = n['handle_chinese_chars'] = v != 5
    t = Tokenizer.from_str(json.dumps(j)); cls, sep = ('[CLS]', vocab['[CLS]']), ('[SEP]', vocab['[SEP]'])
    if v == 2: t.post_processor = processors.RobertaProcessing(sep, cls, trim_offsets=True, add_prefix_space=False)
    if v == 3: t.post_processor = processors.BertProcessing(sep, cls)
    if v == 4: t.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] [SEP] $B [SEP]', special_tokens=[cls, sep])
    if v % 2 == 0:
        t.add_tokens([AddedToken('<x>', lstrip=True, rstrip=True), AddedToken('Foo'), AddedToken('Foo bar'), AddedToken('bar', single_word=True)])
        t.add_special_tokens([AddedToken('<mask>', lstrip=True, special=True)])
    tokenizers.append(t)

def row(e): return [e.ids, e.tokens, e.type_ids, e.special_tokens_mask, e.offsets, e.word_ids]

cases = []
while len(cases) < a.cases:
    v = random.randrange(6); t = tokenizers[v]; t.no_truncation()
    c = dict(v=v, a=text(), b=text() if random.random() < .5 else None, o=None, s=random.random() < .8)
    if random.random() < .6:
        c['o'] = dict(max_length=random.randrange(5, 10), stride=random.choice([0, 0, 1]), strategy=random.choice(['longest_first'] * 3 + ['only_first', 'only_second']), direction=random.choice(['right', 'left']))
        t.enable_truncation(**c['o'])
    try:
        e = t.encode(c['a'], c['b'], add_special_tokens=c['s'])
        c |= dict(e=row(e), over=[row(o) for o in e.overflowing], text=[t.decode(e.ids), t.decode(e.ids, skip_special_tokens=False)])
    except BaseException: c['error'] = True
    if len(json.dumps(c)) < 4000: cases.append(c)
for t in tokenizers: t.no_truncation()
variants = [json.loads(t.to_str()) for t in tokenizers]
for variant in variants: del variant['model']['vocab']
lines = ',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases)
(here / 'cases.json').write_text('{"variants":' + json.dumps(variants, separators=(',', ':')) + ',\n"cases":[\n' + lines + '\n]}\n')
print(len(cases), sum('error' in c for c in cases))
