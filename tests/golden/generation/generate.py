#!/usr/bin/env python3
"""Golden cases of generating text, computed by PyTorch and Hugging Face transformers.

  filters.safetensors  random logits and what the logits processors of transformers make of them (settings in its metadata)
  <model>/             a decoder of random weights as `save_pretrained` writes it; runs.json: calls of `generate` and their
                       sequences; runs.safetensors: what they began with, and the scores of every step
  pairs/<pair>/        the same for encoder–decoder pairs, with a forward pass: outputs, loss and every gradient

Tokens that are chosen by less than 1e-3 are not golden: such a seed is refused.

  pip install torch==2.13.0 transformers==5.23.0
  python generate.py --out .
"""
import argparse, json, pathlib, shutil
import torch, transformers
from safetensors.torch import save_file
from transformers import LogitsProcessorList
from transformers.generation.logits_process import (MinPLogitsWarper, NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
                                                    TopKLogitsWarper, TopPLogitsWarper)

transformers.logging.set_verbosity_error()
H, HEADS, VOCAB, POS = 8, 2, 31, 40
SIZES = dict(vocab_size=VOCAB, hidden_size=H, num_hidden_layers=2, num_attention_heads=HEADS, intermediate_size=12, max_position_embeddings=POS,
             hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
DECODER = SIZES | dict(is_decoder=True)

FILTERS = [
    dict(temperature=0.7), dict(temperature=2.5), dict(topK=5), dict(topK=1), dict(topK=1000), dict(topP=0.9), dict(topP=0.3), dict(topP=0.0), dict(topP=1.0),
    dict(minP=0.1), dict(temperature=0.5, topK=20, topP=0.8), dict(temperature=1.7, topK=30, topP=0.95, minP=0.02), dict(repetitionPenalty=1.8), dict(repetitionPenalty=0.6),
    dict(noRepeatNgramSize=2), dict(noRepeatNgramSize=1), dict(repetitionPenalty=1.3, noRepeatNgramSize=3, temperature=0.9, topK=40, topP=0.7),
]


def processors(s):
    steps = LogitsProcessorList()
    if s.get('repetitionPenalty', 1) != 1: steps.append(RepetitionPenaltyLogitsProcessor(s['repetitionPenalty']))
    if s.get('noRepeatNgramSize'): steps.append(NoRepeatNGramLogitsProcessor(s['noRepeatNgramSize']))
    if 'temperature' in s: steps.append(TemperatureLogitsWarper(s['temperature']))
    if s.get('topK'): steps.append(TopKLogitsWarper(s['topK']))
    if s.get('topP', 1) < 1: steps.append(TopPLogitsWarper(s['topP']))
    if s.get('minP'): steps.append(MinPLogitsWarper(s['minP']))
    return steps


def filters(out):
    g = torch.Generator().manual_seed(5)
    logits = torch.randn(4, 60, generator=g) * torch.tensor([0.3, 1.0, 3.0, 9.0])[:, None]
    tokens = torch.randint(0, 8, (4, 12), generator=g)
    tensors = dict(logits=logits, tokens=tokens.int())
    for i, s in enumerate(FILTERS): tensors[f'scores.{i}'] = processors(s)(tokens, logits.clone())
    save_file({k: v.contiguous() for k, v in tensors.items()}, out / 'filters.safetensors', metadata=dict(settings=json.dumps(FILTERS)))


def randomise(model, g, scale=0.45):
    for name, p in model.named_parameters():
        r = torch.randn(p.shape, generator=g)
        if not p.requires_grad: continue
        if p.dim() == 1: p.data = 1 + 0.2 * r if ('norm' in name.lower() or '.ln.' in name) and name.endswith('weight') else 0.2 * r
        else: p.data = (1.0 if 'position' in name else scale) * r
    model.tie_weights()


def snake(name): return ''.join('_' + c.lower() if c.isupper() else c for c in name)


# Calls: settings in our names, and what stands on the left of each row.
LEFT = [0, 3, 1]
CALLS = [
    dict(maxNewTokens=12, eosTokenId=None),
    dict(maxNewTokens=12, eosTokenId=None, left=LEFT),
    dict(maxLength=16, eosTokenId='often', left=LEFT),
    dict(maxNewTokens=14, eosTokenId='two', minNewTokens=4, left=LEFT),
    dict(maxNewTokens=14, eosTokenId='often', minLength=9, padTokenId=7),
    dict(maxNewTokens=20, eosTokenId=None, repetitionPenalty=1.7, left=LEFT),
    dict(maxNewTokens=20, eosTokenId=None, noRepeatNgramSize=2),
    dict(eosTokenId=None, left=LEFT, types=True),
]


def run(model, call, inputs):
    """Sequences, and the scores of each step."""
    said = {k: v for k, v in call.items() if k not in ('left', 'types')}
    kw = {snake(k): v for k, v in said.items()} | inputs
    out = model.generate(**kw, do_sample=False, return_dict_in_generate=True, output_scores=True)
    scores = torch.stack(out.scores)
    top = scores.topk(2).values
    assert (top[..., 0] - top[..., 1]).min() > 1e-3, 'tokens are too close'
    return out.sequences, scores


def prompts(g, config, call, types):
    pad = config.pad_token_id
    ids = torch.randint(5, VOCAB, (3, 5), generator=g)
    mask = torch.ones(3, 5, dtype=torch.long)
    for row, n in enumerate(call.get('left', [0] * 3)): mask[row, :n] = 0
    ids = torch.where(mask == 1, ids, pad)
    kw = dict(input_ids=ids, attention_mask=mask)
    if types: kw['token_type_ids'] = torch.randint(0, config.type_vocab_size, (3, 5), generator=g)
    return kw


def ends(call, sequences, length):
    """The ids that end texts: those that this model often writes."""
    new = sequences[:, length:].flatten().tolist()
    common = sorted(set(new), key=lambda t: (-new.count(t), t))
    if call['eosTokenId'] == 'often': return common[0]
    if call['eosTokenId'] == 'two': return common[:2]
    return call['eosTokenId']


def decode(model, name, call, g):
    """A call and its tensors; a prompt whose tokens are too close, or dull, is an AssertionError."""
    kw = prompts(g, model.config, call, call.get('types', False))
    given = dict(kw)
    if name == 'bert.cross':
        given |= dict(encoder_hidden_states=torch.randn(3, 4, H, generator=g), encoder_attention_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1]]))
        # With a cache transformers 5.23 fails here.
        kw = given | dict(use_cache=False)
    # transformers counts RoBERTa's positions from 0 here; the model counts them from its padding id.
    pad = model.config.pad_token_id
    if 'roberta' in name: kw['position_ids'] = torch.where(kw['attention_mask'] == 1, kw['attention_mask'].cumsum(1) + pad, pad)
    free = run(model, {k: v for k, v in call.items() if k not in ('minLength', 'minNewTokens')} | dict(eosTokenId=None), kw)[0]
    call = call | dict(eosTokenId=ends(call, free, 5))
    sequences, scores = run(model, call, kw)
    assert len(set(sequences[:, 5:].flatten().tolist())) > 3, 'dull'
    if 'roberta' in name and call['eosTokenId'] is None: assert not (sequences[:, 5:] == pad).any(), 'padding'
    if isinstance(call['eosTokenId'], int) and 'minLength' not in call: assert len({(row[5:] == call['eosTokenId']).int().argmax().item() for row in sequences}) > 1, 'all end at once'
    settings = {k: v for k, v in call.items() if k not in ('left', 'types')}
    return dict(settings=settings, sequences=sequences.tolist()), {f'in.{k}': v.int() if v.dtype == torch.long else v for k, v in given.items()} | dict(scores=scores)


def decoder(cls, name, sizes, seed):
    """A model, and its calls with their tensors."""
    g = torch.Generator().manual_seed(seed)
    model = cls(cls.config_class(**sizes)).eval()
    model.config._attn_implementation = 'eager'
    randomise(model, g)
    # A padding id in the middle of a text has no position of its own in RoBERTa.
    if 'roberta' in name: model.lm_head.bias.data[model.config.pad_token_id] = -30
    calls, tensors = [], {}
    for i, call in enumerate(CALLS if name.startswith('bert') else CALLS[:3] + CALLS[5:6]):
        for attempt in range(30):
            try: one = decode(model, name, call, g)
            except AssertionError as e: fault = e; continue
            break
        else: raise fault
        calls.append(one[0])
        tensors |= {f'{i}.{k}': v for k, v in one[1].items()}
    return model, calls, tensors


def decoders(out, seed):
    kinds = [
        ('bert', 'BertLMHeadModel', DECODER), ('roberta', 'RobertaForCausalLM', DECODER | dict(pad_token_id=1, bos_token_id=0, eos_token_id=2)),
        ('electra', 'ElectraForCausalLM', DECODER | dict(embedding_size=6)), ('ernie', 'ErnieForCausalLM', DECODER),
        ('megatron-bert', 'MegatronBertForCausalLM', DECODER), ('roformer', 'RoFormerForCausalLM', DECODER | dict(rotary_value=True)),
        ('roberta-prelayernorm', 'RobertaPreLayerNormForCausalLM', DECODER | dict(pad_token_id=1)),
        ('bert.cross', 'BertLMHeadModel', DECODER | dict(add_cross_attention=True)),
    ]
    for name, cls, sizes in kinds:
        cls = getattr(transformers, cls)
        for own in range(seed, seed + 50):
            try: model, calls, tensors = decoder(cls, name, sizes, own)
            except AssertionError: continue
            break
        else: raise SystemExit(f'{name}: no seed will do')
        folder = out / name
        if folder.exists(): shutil.rmtree(folder)
        model.save_pretrained(folder)
        (folder / 'runs.json').write_text(json.dumps(dict(model_class=cls.__name__, seed=own, transformers=transformers.__version__, calls=calls)) + '\n')
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / 'runs.safetensors')
        print(name, own)


PAIR_CALLS = [
    dict(maxNewTokens=12, eosTokenId=None), dict(maxLength=14, eosTokenId='often'), dict(maxNewTokens=15, eosTokenId=None, noRepeatNgramSize=2, repetitionPenalty=1.2),
    dict(maxNewTokens=6, eosTokenId=None, decoderStartTokenId=9),
]


def pair(name, encoder, decoder, seed):
    g = torch.Generator().manual_seed(seed)
    ec, dc = (getattr(transformers, kind).config_class(**sizes) for kind, sizes in (encoder, decoder))
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(ec, dc, decoder_start_token_id=3, pad_token_id=0)
    model = transformers.EncoderDecoderModel(config)
    for half in (model.encoder, model.decoder): half.config._attn_implementation = 'eager'
    randomise(model, g)
    model.decoder.tie_weights()
    model.eval()
    calls, tensors = [], {}
    for i, call in enumerate(PAIR_CALLS):
        for attempt in range(30):
            ids, mask = torch.randint(5, VOCAB, (3, 6), generator=g), torch.tensor([[1] * 6, [1] * 4 + [0] * 2, [1] * 5 + [0]])
            kw = dict(input_ids=torch.where(mask == 1, ids, ec.pad_token_id), attention_mask=mask)
            try:
                free = run(model, call | dict(eosTokenId=None), kw)[0]
                said = call | dict(eosTokenId=ends(call, free, 1))
                sequences, scores = run(model, said, kw)
                assert len(set(sequences[:, 1:].flatten().tolist())) > 3, 'dull'
            except AssertionError as e: fault = e; continue
            break
        else: raise fault
        calls.append(dict(settings=said, sequences=sequences.tolist()))
        tensors |= {f'{i}.in.{k}': v.int() for k, v in kw.items()} | {f'{i}.scores': scores}
    labels = torch.randint(5, VOCAB, (3, 5), generator=g)
    labels[1, 3:] = -100
    tensors |= {f'in.{k}': v.int() for k, v in kw.items()} | {'in.labels': labels.int()}
    out = model(**kw, labels=labels, output_hidden_states=True, output_attentions=True, use_cache=False)
    out.loss.backward()
    flat = {k: v for k, v in out.items() if isinstance(v, torch.Tensor)}
    for k in ('decoder_hidden_states', 'encoder_hidden_states', 'cross_attentions'): flat |= {f'{k}.{i}': v for i, v in enumerate(out[k])}
    tensors |= {f'out.{k}': v.detach() for k, v in flat.items()} | {f'grad.{k}': p.grad for k, p in model.named_parameters() if p.grad is not None}
    return model, calls, tensors


def pairs(out, seed):
    kinds = {
        'bert2bert': (('BertModel', SIZES), ('BertLMHeadModel', DECODER | dict(num_hidden_layers=1))),
        # Another width: the states are projected.
        'roberta2roformer': (('RobertaModel', SIZES | dict(hidden_size=12, pad_token_id=1)), ('RoFormerForCausalLM', DECODER)),
    }
    for name, (encoder, decoder) in kinds.items():
        for own in range(seed, seed + 50):
            try: model, calls, tensors = pair(name, encoder, decoder, own)
            except AssertionError: continue
            break
        else: raise SystemExit(f'{name}: no seed will do')
        folder = out / 'pairs' / name
        if folder.exists(): shutil.rmtree(folder)
        model.save_pretrained(folder)
        (folder / 'runs.json').write_text(json.dumps(dict(seed=own, transformers=transformers.__version__, calls=calls)) + '\n')
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / 'runs.safetensors')
        print(name, own)


if __name__ == '__main__':
    torch.set_num_threads(1)
    a = argparse.ArgumentParser()
    a.add_argument('--out', default=pathlib.Path(__file__).resolve().parent, type=pathlib.Path)
    a.add_argument('--seed', type=int, default=100)
    a = a.parse_args()
    filters(a.out)
    decoders(a.out, a.seed)
    pairs(a.out, a.seed)
