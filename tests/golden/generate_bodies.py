#!/usr/bin/env python3
"""Sentence models over the bodies of every family: what sentence-transformers 6 makes of texts with the weights of cases/.

Writes bodies.json: two WordPiece tokenizers of 41 words (BERT's and MPNet's make), and for each case its
tokenizer, token ids and mean embeddings, unit length for every second one.

  python generate_bodies.py
"""
import json, pathlib, shutil, tempfile
import torch
from transformers import BertTokenizer, MPNetTokenizer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.base.modules import Normalize, Transformer

HERE = pathlib.Path(__file__).parent
WORDS = 'the a of and to in is was that it for on with we our people war peace union state great nation law ##s ##ed . , ! ?'.split()
BERT = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *WORDS]
MPNET = ['<s>', '<pad>', '</s>', '<unk>', *WORDS, '[UNK]', '<mask>']
TEXTS = ['The state of the union is great.', 'peace', '', 'We war and people!', 'zzz ' * 3, 'Our nations of the great laws: ' * 9]
CASES = ['albert.Model', 'bert.Model', 'bert-gelu-new.Model', 'camembert.ForMaskedLM', 'deberta-v2.Model', 'distilbert.ForMaskedLM.sines', 'distilbert.Model', 'electra.Model', 'electra.ForPreTraining',
         'ernie.Model.tasks', 'eurobert.Model', 'megatron-bert.Model', 'modernbert.Model', 'mpnet.Model', 'nomic_bert.Model', 'roberta.Model', 'roberta-prelayernorm.Model', 'roformer.Model',
         'xlm-roberta.ForMaskedLM']


def tokenizer(folder, kind):
    make, words = (MPNetTokenizer, MPNET) if kind == 'mpnet' else (BertTokenizer, BERT)
    (folder / 'vocab.txt').write_text('\n'.join(words) + '\n')
    # config.json of another family must not choose the tokenizer.
    make(vocab=str(folder / 'vocab.txt')).save_pretrained(folder)
    (folder / 'vocab.txt').unlink()
    path = folder / 'tokenizer_config.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | {'tokenizer_class': 'MPNetTokenizer' if kind == 'mpnet' else 'BertTokenizer'}))


tokenizers, cases = {}, []
for i, name in enumerate(CASES):
    source = HERE / 'cases' / name
    config = json.loads((source / 'config.json').read_text())
    kind = 'mpnet' if config.get('pad_token_id') == 1 else 'bert'
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for file in ('config.json', 'model.safetensors'): shutil.copy(source / file, folder)
        tokenizer(folder, kind)
        tokenizers[kind] = {file: json.loads((folder / file).read_text()) for file in ('tokenizer.json', 'tokenizer_config.json')}
        modules = [Transformer(str(folder), max_seq_length=24), Pooling(config.get('hidden_size', config.get('dim')), 'mean')] + [Normalize()] * (i % 2)
        model = SentenceTransformer(modules=modules, device='cpu').eval()
        ids = [model.tokenize([text])['input_ids'][0].tolist() for text in TEXTS]
        out = [[round(float(v), 7) for v in model.encode([text], convert_to_tensor=True, show_progress_bar=False)[0]] for text in TEXTS]
    cases.append(dict(case=name, tokenizer=kind, normalize=i % 2 == 1, ids=ids, embeddings=out))
    print(name, kind)
(HERE / 'bodies.json').write_text(json.dumps(dict(texts=TEXTS, tokenizers=tokenizers, cases=cases)))
