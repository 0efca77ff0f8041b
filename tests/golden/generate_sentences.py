#!/usr/bin/env python3
"""A small random sentence model of the make of all-MiniLM-L6-v2, and what sentence-transformers 6 makes of texts with it.

Writes, beside this file:
  sentences/model/…          config.json, model.safetensors, vocab.txt, … as sentence-transformers saves them
  sentences/cases.json       texts, token ids, and for each of several pooling configurations, Dense and prompts: the embeddings

  python generate_sentences.py
"""
import json, pathlib, shutil
import torch
from transformers import BertConfig, BertModel, BertTokenizer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.base.modules import Dense, Normalize, Transformer

HERE = pathlib.Path(__file__).parent / 'sentences'
WORDS = 'the a of and to in is was that it for on with as be by this are or from we our people war peace union state great nation year law make ##s ##ed ##ing . , ! ? : query passage'.split()
VOCAB = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *WORDS, *(chr(c) for c in range(97, 123) if chr(c) != 'a'), *('##' + chr(c) for c in range(97, 123))]
TEXTS = ['The state of the union is great.', 'peace', '', 'we make war and peace!', 'x' * 150, 'The nations of this year, [MASK] laws: ' * 6, 'people people people', 'Our people was from a great Union?']


def round_(t):
    return [[round(float(v), 7) for v in row] for row in t]


def main():
    torch.manual_seed(7)
    shutil.rmtree(HERE, ignore_errors=True)
    raw = HERE / 'raw'; raw.mkdir(parents=True)
    (raw / 'vocab.txt').write_text('\n'.join(VOCAB) + '\n')
    BertTokenizer(vocab=str(raw / 'vocab.txt'), model_max_length=24).save_pretrained(raw)
    bert = BertModel(BertConfig(vocab_size=len(VOCAB), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=32, initializer_range=0.4))
    with torch.no_grad():
        for p in bert.parameters():
            if p.dim() == 1: p.add_(torch.randn_like(p) * 0.1)
    bert.save_pretrained(raw)
    cases = []
    def case(name, modules, texts=TEXTS, save=None, **options):
        m = SentenceTransformer(modules=modules, device='cpu', prompts={'query': 'query: ', 'passage': 'passage: '}).eval()
        if save: m.save(str(HERE / save), create_model_card=False)
        folder = HERE / 'tmp'; m.save(str(folder), create_model_card=False)
        files = {str(p.relative_to(folder)): json.loads(p.read_text()) for p in sorted(folder.rglob('*.json')) if p.name not in ('tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json') and p != folder / 'config.json'}
        dense = {str(p.relative_to(folder)): p.read_bytes().hex() for p in sorted(folder.rglob('*Dense/model.safetensors'))}
        shutil.rmtree(folder)
        cases.append({'name': name, 'files': files, 'bytes': dense, 'options': options, 'texts': texts, 'embeddings': round_(m.encode(texts, convert_to_tensor=True, batch_size=1, show_progress_bar=False, **options))})
    transformer = lambda n=20: Transformer(str(raw), max_seq_length=n)
    case('as published', [transformer(), Pooling(16, 'mean'), Normalize()], save='model')
    for mode in Pooling.POOLING_MODES:
        case(mode, [transformer(), Pooling(16, mode)])
    case('concatenated', [transformer(), Pooling(16, ('max', 'cls', 'weightedmean'))], texts=TEXTS[:3])
    case('dense', [transformer(), Pooling(16, 'mean'), Dense(16, 8), Dense(8, 4, bias=False, activation_function=torch.nn.Identity()), Normalize()], texts=TEXTS[:4])
    case('prompt by name', [transformer(), Pooling(16, 'mean')], texts=TEXTS[:4], prompt_name='query')
    case('prompt', [transformer(), Pooling(16, 'mean')], texts=TEXTS[:4], prompt='we: ')
    case('prompt outside the mean', [transformer(), Pooling(16, ('mean', 'max', 'weightedmean', 'cls', 'lasttoken'), include_prompt=False)], texts=TEXTS[:4], prompt_name='passage')
    m = SentenceTransformer(str(HERE / 'model'), device='cpu')
    ids = [f['input_ids'][0].tolist() for f in (m.tokenize([t]) for t in TEXTS)]
    (HERE / 'cases.json').write_text(json.dumps({'ids': ids, 'cases': cases}, ensure_ascii=False))
    shutil.rmtree(raw)

main()
